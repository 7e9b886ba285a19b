import { cp, mkdtemp, rename, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { bundledModelsFolder } from "./bundled-models.ts";
import { createInference } from "./create-inference.ts";

const cacheDir = await mkdtemp(join(tmpdir(), "genq-bad-models-"));
const inference = createInference({
  models: { embedding: "genq/mini-embedder", generation: "genq/mini-generator" },
  cacheDir,
  hubEndpoint: "http://127.0.0.1:9",
});
afterAll(async () => {
  await inference.close();
  await rm(cacheDir, { recursive: true });
});

const embed = (model?: string) =>
  inference.embed({ texts: ["a"], kind: "query", priority: "interactive", model });
const edit = (file: string, content: object) => (folder: string) =>
  writeFile(join(folder, file), JSON.stringify(content));

/** Each under the name of another model of the catalog, with files of a bundled one that something was done to. */
test.each([
  [
    "half of its weights",
    "Xenova/bge-small-en-v1.5",
    "genq/mini-embedder",
    (folder: string) => truncate(join(folder, "onnx/model_quantized.onnx"), 100_000),
    /^Xenova\/bge-small-en-v1.5 did not load: /,
  ],
  [
    "a broken tokenizer",
    "Xenova/multilingual-e5-small",
    "genq/mini-embedder",
    (folder: string) => truncate(join(folder, "tokenizer.json"), 200),
    /^Xenova\/multilingual-e5-small did not load: .*JSON/,
  ],
  [
    "a model that sees",
    "Xenova/all-MiniLM-L6-v2",
    "genq/mini-embedder",
    edit("config.json", { model_type: "vit", architectures: ["ViTModel"], hidden_size: 384 }),
    /ViTModel, which reads no text/,
  ],
  [
    "a model that generates",
    "Xenova/multilingual-e5-base",
    "genq/mini-generator",
    edit("config.json", {
      model_type: "bert",
      architectures: ["BertModel"],
      vocab_size: 2048,
      hidden_size: 768,
    }),
    /^Xenova\/multilingual-e5-base (loaded, but does not answer|did not load): /,
  ],
])(
  "%s in place of an embedding model is told, and costs other models nothing",
  async (_, id, from, harm, message) => {
    const folder = join(cacheDir, id);
    await cp(join(bundledModelsFolder, from), folder, { recursive: true });
    await rename(join(folder, "onnx/model.onnx"), join(folder, "onnx/model_quantized.onnx"));
    await harm(folder);
    const before = await embed();
    await expect(embed(id)).rejects.toMatchObject({
      code: "model_unavailable",
      message: expect.stringMatching(message),
    });
    expect(inference.status().find((status) => status.id === id)).toMatchObject({
      state: "failed",
      error: expect.stringMatching(message),
    });
    expect(await embed()).toEqual(before);
  },
);

test("a generation model is not asked for vectors, nor one that nobody knows for anything", async () => {
  await expect(embed("genq/mini-generator")).rejects.toMatchObject({ code: "model_not_found" });
  await expect(inference.countTokens(["a"], { model: "none/such" })).rejects.toMatchObject({
    code: "model_not_found",
  });
});
