/** A question made of the words of one chunk. */
export interface Question {
  text: string;
  /** Index of the chunk that it was made of. */
  chunk: number;
}

/** Joins paragraphs to chunks of at least so many characters. */
export function chunkParagraphs(text: string, characters: number): string[] {
  const chunks: string[] = [];
  let current = "";
  for (const paragraph of text.split(/\n\s*\n/)) {
    current += `${paragraph.replace(/\s+/g, " ").trim()} `;
    if (current.length < characters) continue;
    chunks.push(current.trim());
    current = "";
  }
  return current.trim().length > characters / 2 ? [...chunks, current.trim()] : chunks;
}

/**
 * Makes questions by a fixed recipe: up to nine content words in a row of one sentence of a chunk with what stands between
 * them; every fourth is left out, one other is inflected or has a typing error; in the frame of a question.
 */
export function makeQuestions(chunks: readonly string[], count: number): Question[] {
  const questions: Question[] = [];
  for (let number = 0; number < count; number += 1) {
    const chunk = Math.floor(((number + 0.5) * chunks.length) / count);
    const sentences = sentencesOf(chunks[chunk] ?? "");
    const words = sentences[(number * 7) % Math.max(1, sentences.length)];
    if (!words) continue;
    const text = changeWords(words, number).join("").trim();
    const japanese = isJapanese(text);
    questions.push({
      text: japanese ? `${text}というのは何ですか？` : `What does it say about ${text}?`,
      chunk,
    });
  }
  return questions;
}

const isJapanese = (text: string) => /[\u3041-\u30ff\u4e00-\u9fff]/.test(text);

/** Latin words of four letters or more; Japanese words with a kanji or in katakana. */
const isContent = (word: string) =>
  /^[a-z0-9'-]{4,}$/i.test(word) || /[\u4e00-\u9fff]|^[\u30a1-\u30ff]{2,}$/.test(word);

/** The sentences with at least five content words, as words and what is between them, up to the ninth content word. */
function sentencesOf(text: string): string[][] {
  const segmenter = new Intl.Segmenter(isJapanese(text) ? "ja" : "en", { granularity: "word" });
  const sentences = text.split(/(?<=[.!?。！？])\s*/).map((sentence) => {
    const words = [...segmenter.segment(sentence)].map(({ segment }) => segment);
    const content = words.flatMap((word, index) => (isContent(word) ? [index] : []));
    return content.length >= 5 ? words.slice(content[0], (content[8] ?? words.length) + 1) : [];
  });
  return sentences.filter((words) => words.length > 0);
}

function changeWords(words: readonly string[], number: number): string[] {
  let content = -1;
  return words.map((word) => {
    if (!isContent(word)) return word;
    content += 1;
    if (content % 4 === number % 4) return "";
    if (content !== (number + 1) % 4) return word;
    return number % 2 === 0 && !isJapanese(word) ? inflect(word) : misspell(word);
  });
}

function inflect(word: string): string {
  if (word.endsWith("ing")) return word.slice(0, -3);
  if (word.endsWith("ed")) return word.slice(0, -1);
  return word.endsWith("s") ? word.slice(0, -1) : `${word}s`;
}

/** Leaves out a letter in the middle of a word of five letters or more. */
function misspell(word: string): string {
  const middle = Math.floor(word.length / 2);
  return word.length < 5 ? word : word.slice(0, middle) + word.slice(middle + 1);
}
