import { randomSentences } from "./random-words.ts";

/** A plain text of about so many characters, in paragraphs: the same for the same seed. */
export function makeText(characters: number, seed = 1): string {
  const sentence = randomSentences(seed);
  const paragraphs: string[] = [];
  for (let length = 0; length < characters; ) {
    const paragraph = Array.from({ length: 8 }, sentence).join(" ");
    paragraphs.push(paragraph);
    length += paragraph.length + 2;
  }
  return paragraphs.join("\n\n");
}
