import type { ChatMessage } from "@genq/inference";
import { unwrapLines } from "./unwrap-lines.ts";

const instructions =
  "Answer the question from the passages only. After each statement put the number of the passage that it rests on, " +
  "such as [1]. If the passages do not tell, say so. Answer in the language of the question.";

/**
 * The messages of a question that is answered from passages, of which the first is [1]. Blank lines part the passages
 * and begin the question, so inside a passage they become line ends.
 */
export function buildRagPrompt(options: {
  question: string;
  passages: readonly string[];
  system?: string | undefined;
}): ChatMessage[] {
  const { question, passages, system } = options;
  const numbered = passages.map((text, index) => numberPassage(text, index + 1)).join("\n\n");
  return [
    { role: "system", content: system === undefined ? instructions : `${system}\n\n${instructions}` },
    { role: "user", content: `Passages:\n${numbered}\n\nQuestion: ${question.trim()}` },
  ];
}

/** A passage as it stands in the prompt. */
export function numberPassage(text: string, number: number): string {
  return `[${number}] ${unwrapLines(text.trim()).replace(/\n\s*\n/g, "\n")}`;
}

/** The messages of a text that is answered without passages. */
export function buildPlainPrompt(text: string, system: string | undefined): ChatMessage[] {
  const user: ChatMessage = { role: "user", content: text };
  return system === undefined ? [user] : [{ role: "system", content: system }, user];
}
