import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { dtypes } from "./hub/model-file-list.ts";
import { InferenceError } from "./inference-error.ts";
import { builtInModels, type ModelDefinition } from "./model-catalog.ts";
import { devices } from "./types.ts";

/** A name on the hub. It becomes a path, so it has no way up. */
const hubName = z
  .string()
  .regex(/^\w[\w.-]*\/\w[\w.-]*$/, "must be a hub's name, such as Xenova/bge-small-en-v1.5");
const count = z.int().min(1).max(1_000_000);

const shared = {
  id: hubName,
  revision: z
    .string()
    .regex(/^[\w.-]+$/, "must be a commit, tag or branch")
    .default("main"),
  dtype: z.enum(dtypes),
  device: z.enum(devices).exactOptional(),
  license: z.string().exactOptional(),
  maxTokens: count,
  description: z.string().default("An operator's own record."),
};

const embedding = z.strictObject({
  ...shared,
  task: z.literal("embedding"),
  dimensions: count,
  shorterDimensions: z.array(count).exactOptional(),
  pooling: z.enum(["mean", "cls", "last_token"]),
  normalize: z.boolean().default(true),
  queryPrefix: z.string().exactOptional(),
  passagePrefix: z.string().exactOptional(),
  chunkTokens: count.exactOptional(),
});
const generation = z.strictObject({
  ...shared,
  task: z.literal("generation"),
  chatTemplateVariables: z.record(z.string(), z.unknown()).exactOptional(),
});
const reranking = z.strictObject({ ...shared, task: z.literal("reranking") });

const ownModels = z.array(z.discriminatedUnion("task", [embedding, generation, reranking]));
type OwnModel = z.infer<typeof ownModels>[number];

export const ownModelsFile = "models.json";

/**
 * The built-in models and those of `{folder}/models.json`, an array of records. A record there stands for the built-in
 * one of its name, but for embedding models: the vectors that are stored under the name would be others'.
 * @throws InferenceError `model_not_found` that tells everything that is wrong with the file
 */
export function readKnownModels(folder: string): readonly ModelDefinition[] {
  const path = join(folder, ownModelsFile);
  const text = readIfThere(path);
  if (text === undefined) return builtInModels;
  const own = parse(text, path).map(toDefinition);
  const names = own.map(({ record }) => record.id);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw wrong(path, `${twice} is there twice.`);
  const builtIn = builtInModels.find(
    ({ record }) => record.task === "embedding" && names.includes(record.id),
  );
  if (builtIn) {
    throw wrong(
      path,
      `${builtIn.record.id} is built in: stored vectors have its record. Take the entry out.`,
    );
  }
  return [...builtInModels.filter(({ record }) => !names.includes(record.id)), ...own];
}

function parse(text: string, path: string): OwnModel[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw wrong(path, error instanceof Error ? error.message : String(error));
  }
  const parsed = ownModels.safeParse(json);
  if (!parsed.success) throw wrong(path, z.prettifyError(parsed.error));
  return parsed.data;
}

function toDefinition(model: OwnModel): ModelDefinition {
  if (model.task === "generation") {
    const { chatTemplateVariables, ...record } = model;
    const variables = chatTemplateVariables && { chatTemplateVariables };
    return { record: { ...record, source: "hub" }, ...variables };
  }
  if (model.task === "reranking") return { record: { ...model, source: "hub" } };
  const { chunkTokens = Math.ceil(0.75 * model.maxTokens), ...record } = model;
  return { record: { ...record, chunkTokens, source: "hub" } };
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR"))
      return undefined;
    throw wrong(path, error instanceof Error ? error.message : String(error));
  }
}

const wrong = (path: string, what: string) =>
  new InferenceError("model_not_found", `${path} can't be used: ${what}`);
