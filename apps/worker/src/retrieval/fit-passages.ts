import type { Passage } from "@genq/contract";
import { numberPassage } from "./rag-prompt.ts";

type CountTokens = (texts: string[]) => Promise<number[]>;

/**
 * The best passages that fit into a number of tokens together, in their order. The very best is always among them,
 * cut at its end when it must be; one that is too large makes room for smaller ones after it.
 */
export async function fitPassages(
  passages: readonly Passage[],
  budget: number,
  countTokens: CountTokens,
): Promise<Passage[]> {
  const costs = await countTokens(passages.map((passage, index) => numberPassage(passage.text, index + 1)));
  const fitting: Passage[] = [];
  let left = budget;
  for (const [index, passage] of passages.entries()) {
    const cost = costs[index] ?? Number.POSITIVE_INFINITY;
    if (cost <= left) {
      fitting.push(passage);
      left -= cost;
    } else if (index === 0) {
      fitting.push({ ...passage, text: await cutText(passage.text, cost, budget, countTokens) });
      left = 0;
    }
  }
  return fitting;
}

/** Cuts a text that has `tokens` to `budget` of them; what a cut leaves over is cut again. */
async function cutText(
  text: string,
  tokens: number,
  budget: number,
  countTokens: CountTokens,
): Promise<string> {
  let cut = text;
  for (let now = tokens; now > budget && cut.length > 1; ) {
    const share = Math.min(0.95, Math.max(budget, 1) / now);
    cut = cut.slice(0, Math.max(1, Math.floor(cut.length * share))).toWellFormed();
    [now = 0] = await countTokens([numberPassage(cut, 1)]);
  }
  return cut;
}
