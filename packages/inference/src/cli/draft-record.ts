import { z } from "zod";
import { dtypesOnHub, type HubModelOptions, readSmallFile } from "../hub/describe-model.ts";
import { weightsFile } from "../hub/model-file-list.ts";
import { InferenceError } from "../inference-error.ts";
import { ownModelsFile } from "../own-models.ts";
import type { ModelRecord } from "../types.ts";
import type { Context } from "./context.ts";

const configSchema = z.looseObject({
  architectures: z.array(z.string()).default([]),
  vocab_size: z.number().optional(),
  hidden_size: z.number().optional(),
  max_position_embeddings: z.number().default(512),
});
/** How sentence-transformers tells a model's pooling. */
const poolingSchema = z.looseObject({
  pooling_mode_cls_token: z.boolean().default(false),
  pooling_mode_lasttoken: z.boolean().default(false),
});

/**
 * Drafts the record of a model that genq does not know, by what the hub tells of it, to be put into models.json.
 * @throws InferenceError `model_not_found` when it is none that could be used
 */
export async function draftRecord({ name, hubEndpoint, signal, screen, cacheDir }: Context): Promise<object> {
  const asked = { id: name, revision: "main", dtype: "fp32", source: "hub", task: "embedding" } as const;
  const record: ModelRecord = { ...asked, maxTokens: 1, description: "" };
  const options = {
    record,
    hubEndpoint,
    signal,
    retry: { maxFailures: 2, firstDelayMs: 500, maxDelayMs: 500 },
  };
  const config = configSchema.parse(JSON.parse(await readSmallFile(options, "config.json")));
  const dtypes = await dtypesOnHub(options);
  const kind = config.architectures.join(", ") || "of an unknown kind";
  if (config.vocab_size === undefined) throw unfit(name, `it is ${kind}, which reads no text`);
  if (dtypes.length === 0) throw unfit(name, `it has no ONNX weights, such as ${weightsFile("q8")}`);
  const maxTokens = Math.min(4096, config.max_position_embeddings);
  const own = { id: name, dtype: prefer(dtypes, "q8"), maxTokens: Math.min(512, maxTokens) };
  const isOf = (pattern: RegExp) => config.architectures.some((it) => pattern.test(it));
  const draft = isOf(/(ForCausalLM|LMHeadModel)$/)
    ? { id: name, task: "generation", dtype: prefer(dtypes, "q4"), maxTokens }
    : isOf(/ForSequenceClassification$/)
      ? { ...own, task: "reranking" }
      : { ...own, task: "embedding", dimensions: config.hidden_size, pooling: await poolingOf(options) };
  screen.say(`genq has no record of ${name} (${kind}; weights as ${dtypes.join(", ")}).`);
  screen.say(
    `This one goes by what the hub tells. Hold it against the model's page, also for its licence and for the`,
  );
  screen.say(
    `prefixes of queries and passages, and put it into ${cacheDir}/${ownModelsFile}, which is an array of such:\n`,
  );
  screen.say(JSON.stringify(draft, null, 2));
  return { id: name, known: false, dtypes, draft };
}

async function poolingOf(options: HubModelOptions): Promise<string> {
  const text = await readSmallFile(options, "1_Pooling/config.json").catch(() => "{}");
  const pooling = poolingSchema.parse(JSON.parse(text));
  if (pooling.pooling_mode_cls_token) return "cls";
  return pooling.pooling_mode_lasttoken ? "last_token" : "mean";
}

const prefer = (dtypes: readonly string[], wanted: string) => (dtypes.includes(wanted) ? wanted : dtypes[0]);

const unfit = (name: string, reason: string) =>
  new InferenceError("model_not_found", `${name} can't be used: ${reason}.`);
