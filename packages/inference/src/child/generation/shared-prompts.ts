import { buildPrompt, type PromptContext } from "../chat-prompt.ts";

/** For each of the operator's system prompts the tokens that every prompt with it begins with. */
export async function findSharedPrompts(
  context: PromptContext,
  systemPrompts: readonly string[],
  maxTokens: number,
): Promise<number[][]> {
  const shared: number[][] = [];
  for (const system of systemPrompts) {
    const [one, other] = await Promise.all(
      ["0", "Why?"].map((content) => {
        const messages = [
          { role: "system", content: system },
          { role: "user", content },
        ] as const;
        return buildPrompt(context, messages, maxTokens);
      }),
    );
    if (one && other) shared.push(one.ids.slice(0, commonLength(one.ids, other.ids)));
  }
  return shared;
}

/** How many tokens of a prompt's start are the operator's. */
export const sharedLength = (shared: readonly (readonly number[])[], promptIds: readonly number[]) =>
  Math.max(0, ...shared.map((ids) => commonLength(ids, promptIds)));

function commonLength(one: readonly number[], other: readonly number[]): number {
  const end = one.findIndex((id, index) => id !== other[index]);
  return end < 0 ? one.length : end;
}
