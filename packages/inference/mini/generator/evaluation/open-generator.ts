import {
  AutoModelForCausalLM,
  AutoTokenizer,
  env,
  type PreTrainedModel,
  type PreTrainedTokenizer,
  Tensor,
} from "@huggingface/transformers";

const MODEL = "genq/mini-generator";

interface Answer {
  text: string;
  promptTokens: number;
  tokens: number;
  /** Whether it came to its end token. */
  ended: boolean;
}

export interface Generator {
  answer(question: string, passages: readonly string[], maxTokens?: number): Promise<Answer>;
  close(): Promise<void>;
}

/** The bundled generator of a folder of models, as transformers.js runs it, on so many threads (0: the runtime's choice). */
export async function openGenerator(models: string, threads = 0): Promise<Generator> {
  env.allowRemoteModels = false;
  env.localModelPath = models;
  const tokenizer = await AutoTokenizer.from_pretrained(MODEL);
  const model = await AutoModelForCausalLM.from_pretrained(MODEL, {
    dtype: "fp32",
    session_options: { intraOpNumThreads: threads },
  });
  return {
    answer: (question, passages, maxTokens = 256) =>
      generate(tokenizer, model, promptOf(question, passages), maxTokens),
    close: async () => {
      await model.dispose();
    },
  };
}

/** What the worker asks of any model. */
function promptOf(question: string, passages: readonly string[]): string {
  const numbered = passages.map((text, index) => `[${index + 1}] ${text}`);
  return `Passages:\n${numbered.join("\n\n")}\n\nQuestion: ${question}`;
}

async function generate(
  tokenizer: PreTrainedTokenizer,
  model: PreTrainedModel,
  content: string,
  maxTokens: number,
): Promise<Answer> {
  const text = tokenizer.apply_chat_template([{ role: "user", content }], {
    add_generation_prompt: true,
    tokenize: false,
  });
  if (typeof text !== "string") throw new TypeError("The template gave no text.");
  const ids = tokenizer.encode(text, { add_special_tokens: false });
  const row = (values: readonly number[]) =>
    new Tensor("int64", BigInt64Array.from(values, BigInt), [1, values.length]);
  const inputs = { input_ids: row(ids), attention_mask: row(ids.map(() => 1)), max_new_tokens: maxTokens };
  const output = await model.generate(inputs);
  if (!(output instanceof Tensor)) throw new TypeError("The model gave no tensor.");
  const said = Array.from(output.data as BigInt64Array, Number).slice(ids.length);
  return {
    text: tokenizer.decode(said, { skip_special_tokens: true }),
    promptTokens: ids.length,
    tokens: said.length,
    ended: said.at(-1) === tokenizer.eos_token_id,
  };
}
