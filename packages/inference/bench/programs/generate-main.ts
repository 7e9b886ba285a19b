import { basename, dirname } from "node:path";
import { setTimeout } from "node:timers/promises";
import { AutoModelForCausalLM, type DataType, env, Tensor } from "@huggingface/transformers";
import { serveProgram } from "../program.ts";

export interface GenerateOptions {
  folder: string;
  dtype: DataType;
}

/** A text to be continued, which comes so long after the request. */
export interface BenchText {
  prompt: number[];
  newTokens: number;
  afterMs: number;
}

/** transformers.js' own `generate`, greedy, one text after another. Answers with the number of tokens. */
await serveProgram<GenerateOptions, BenchText[]>(async ({ folder, dtype }) => {
  env.allowRemoteModels = false;
  env.useFSCache = false;
  env.localModelPath = `${dirname(folder)}/`;
  const model = await AutoModelForCausalLM.from_pretrained(basename(folder), { dtype, device: "cpu" });

  async function generate({ prompt, newTokens }: BenchText): Promise<number> {
    const tensor = (values: bigint[]) => new Tensor("int64", BigInt64Array.from(values), [1, prompt.length]);
    const options = {
      inputs: tensor(prompt.map(BigInt)),
      attention_mask: tensor(prompt.map(() => 1n)),
      do_sample: false,
      min_new_tokens: newTokens,
      max_new_tokens: newTokens,
    };
    // Its types ask for a whole configuration, its code for what differs from the model's.
    const output = (await model.generate(options as Parameters<typeof model.generate>[0])) as Tensor;
    return (output.dims.at(-1) ?? 0) - prompt.length;
  }

  return async (texts) => {
    const begun = performance.now();
    let tokens = 0;
    for (const text of texts.toSorted((a, b) => a.afterMs - b.afterMs)) {
      await setTimeout(Math.max(0, begun + text.afterMs - performance.now()));
      tokens += await generate(text);
    }
    return tokens;
  };
});
