import { AutoTokenizer, env } from "@huggingface/transformers";
import { bundledModelsFolder } from "../bundled-models.ts";
import { createStructuredOutput } from "../child/structured-output/structured-output.ts";
import { createTokenPicker } from "../child/token-picker.ts";
import { noProgress } from "../child/yield-to-events.ts";
import type { ResponseFormat } from "../types.ts";

env.localModelPath = `${bundledModelsFolder}/genq/`;
const tokenizer = await AutoTokenizer.from_pretrained("mini-generator", { local_files_only: true });
const end = 3;
export const output = createStructuredOutput(tokenizer, new Set([end]), noProgress());
const size = tokenizer.get_vocab().size;

/** What a model of random weights answers: its logits are random, and favour some tokens the more the wilder it is. */
export async function answer(
  format: ResponseFormat,
  { seed = 1, temperature = 1, mostTokens = 60, wild = 5 } = {},
): Promise<string> {
  const guard = await output.begin(format, mostTokens);
  const picker = createTokenPicker({ temperature, seed }, []);
  let state = seed >>> 0;
  const logits = new Float32Array(size);
  const ids: number[] = [];
  for (let left = mostTokens; left > 0; left -= 1) {
    for (let token = 0; token < size; token += 1) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      logits[token] = (state / 2 ** 32) * wild;
    }
    const { token } = picker.pick(logits, guard.allowed(left));
    if (token === end) break;
    ids.push(token);
    if (guard.accept(token)) break;
  }
  return tokenizer.decode(ids, { skip_special_tokens: true, clean_up_tokenization_spaces: false });
}
