import { createHash } from "node:crypto";
import { randomSentences } from "../documents/random-words.ts";
import type { Request } from "./history.ts";

/** Sentences of the documents that each user has; the same one is uploaded often, each time to another chat. */
const documentSentences = [3, 8, 20, 60, 120, 300] as const;
/** The document that keeps a worker busy for longer than most others together. */
const longSentences = 8_000;
/** Its number, after those of the others. */
export const longDocument = documentSentences.length;
export const documentCount = documentSentences.length;
/** Every chunk shall name its owner. */
const sentencesPerMarker = 4;

const documents = new Map<string, string>();

/** The text of a request: the same for the same request, in this process and the next. */
export function textOf({
  user,
  kind,
  marker,
  text,
}: Pick<Request, "user" | "kind" | "marker" | "text">): string {
  if (kind === "upload") return documentOf(user, text);
  // HTML without a text, and yet not the same content twice.
  if (kind === "unreadable")
    return `<!doctype html><html><head><meta name="x" content="${marker}"></head><body></body></html>`;
  const sentence = randomSentences(text);
  return `${marker} ${sentence()}`;
}

function documentOf(user: number, index: number): string {
  const known = documents.get(`${user}-${index}`);
  if (known !== undefined) return known;
  const hash = createHash("md5").update(`document ${index} of ${user}`).digest("hex");
  const sentence = randomSentences(user * 1000 + index + 1);
  const parts: string[] = [];
  for (let count = 0; count < (documentSentences[index] ?? longSentences); count++) {
    if (count % sentencesPerMarker === 0) parts.push(`owner${user}x${hash}`);
    parts.push(sentence());
  }
  const text = parts.join(" ");
  documents.set(`${user}-${index}`, text);
  return text;
}
