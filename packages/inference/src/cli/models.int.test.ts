import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { writeBert } from "../../bench/models/make-models.ts";
import { bundledModelsFolder } from "../bundled-models.ts";
import { findModel } from "../model-catalog.ts";
import { readKnownModels } from "../own-models.ts";
import { type HubServer, startHubServer } from "../testing/hub-server.ts";
import { readTuning } from "../tuning.ts";

const main = fileURLToPath(new URL("main.ts", import.meta.url));
const mini = join(bundledModelsFolder, "genq/mini-embedder");
const id = "Xenova/bge-small-en-v1.5";
const weightsPath = "onnx/model_quantized.onnx";
const weights = await readFile(join(mini, "onnx/model.onnx"));
const acme = {
  id: "acme/model",
  task: "embedding",
  dtype: "fp16",
  dimensions: 384,
  pooling: "mean",
  maxTokens: 512,
};
let hub: HubServer;
let folder: string;
let cacheDir: string;

beforeEach(async () => {
  hub = await startHubServer();
  folder = await mkdtemp(join(tmpdir(), "genq-models-"));
  cacheDir = join(folder, "cache");
  await mkdir(cacheDir);
});
afterEach(async () => {
  await hub.close();
  await rm(folder, { recursive: true });
});

function start(...args: string[]): ChildProcess {
  return spawn(process.execPath, [main, ...args], {
    env: { MODELS_DIR: cacheDir, HF_ENDPOINT: hub.url },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

async function endOf(child: ChildProcess): Promise<{ code: unknown; out: string; error: string }> {
  if (!child.stdout || !child.stderr) throw new Error("The command has no output.");
  const [out, error, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "exit"),
  ]);
  return { code, out, error };
}
const models = (...args: string[]) => endOf(start(...args));
const contentRequests = () =>
  hub.requests.filter((request) => request.startsWith("GET") && request.includes("/cdn/"));

async function stateOf(name: string): Promise<unknown> {
  const { out } = await models("list", "--json");
  const { models: all } = JSON.parse(out);
  return all.find((model: { id: string }) => model.id === name)?.state;
}

describe("pull", () => {
  test("brings a model once, and list tells that it is here", async () => {
    expect(await stateOf(id)).toBe("absent");
    const { code, out } = await models("pull", id, "--json");
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ id, dtype: "q8", state: "here", before: "absent" });
    expect(await readFile(join(cacheDir, id, weightsPath))).toEqual(weights);
    expect(await stateOf(id)).toBe("here");
    hub.requests.length = 0;
    expect(await models("pull", id)).toMatchObject({
      code: 0,
      out: expect.stringContaining("was here already"),
    });
    expect(hub.requests).toEqual([]);
  });

  test("stopped by Ctrl-C, goes on where it was", async () => {
    hub.stallAfterBytes = 500_000;
    const child = start("pull", id);
    const ended = endOf(child);
    const onnx = join(cacheDir, id, "onnx");
    await expect.poll(() => readdir(onnx).catch(() => [])).toEqual([expect.stringContaining(".partial")]);
    await expect
      .poll(async () => (await readFile(join(onnx, (await readdir(onnx))[0] ?? ""))).length)
      .toBeGreaterThan(0);
    child.kill("SIGINT");
    expect(await ended).toMatchObject({ code: 130, error: expect.stringContaining("goes on from there") });
    expect(await stateOf(id)).toBe("partial");
    hub.stallAfterBytes = undefined;
    hub.requests.length = 0;
    expect(await models("pull", id)).toMatchObject({ code: 0 });
    expect(contentRequests()).toEqual([expect.stringMatching(/bytes=[1-9]\d*-$/)]);
    expect(await readFile(join(onnx, "model_quantized.onnx"))).toEqual(weights);
  });

  test("refuses what would not run, with the reason, before its weights are downloaded", async () => {
    hub.files.set("config.json", Buffer.from('{"architectures":["CLIPModel"]}'));
    expect(await models("pull", id)).toMatchObject({
      code: 1,
      error: `${id} can't be used for embedding: it is CLIPModel, which reads no text.\n`,
    });
    hub.files.clear();
    await writeFile(join(cacheDir, "models.json"), JSON.stringify([acme]));
    hub.files.set("onnx/model_fp16.onnx", null).set("onnx/model_quantized.onnx", weights);
    expect(await models("pull", acme.id)).toMatchObject({
      code: 1,
      error: "acme/model has no fp16 weights (onnx/model_fp16.onnx): it has fp32, q8.\n",
    });
    expect(contentRequests()).toEqual([]);
  });

  test("refuses weights whose content has another checksum", async () => {
    hub.checksum = "0".repeat(64);
    expect(await models("pull", id)).toMatchObject({ code: 1, error: expect.stringContaining("checksum") });
    expect(await stateOf(id)).toBe("partial");
  });
});

describe("pull --from", () => {
  /** A model's folder as a user may have it on a disk. */
  async function disk(): Promise<string> {
    const source = join(folder, "disk", id);
    await cp(mini, source, { recursive: true });
    await cp(join(mini, "onnx/model.onnx"), join(source, weightsPath));
    return source;
  }

  test("takes a model's folder, or one that holds it, without the hub", async () => {
    const source = await disk();
    expect(await models("pull", id, "--from", source)).toMatchObject({ code: 0 });
    expect(await readFile(join(cacheDir, id, weightsPath))).toEqual(weights);
    expect(await readdir(join(cacheDir, id, "onnx"))).toEqual(["model_quantized.onnx"]);
    await rm(join(cacheDir, id), { recursive: true });
    expect(await models("pull", id, "--from", join(folder, "disk"))).toMatchObject({ code: 0 });
    expect(await stateOf(id)).toBe("here");
    expect(hub.requests).toEqual([]);
  });

  test("refuses a folder that is not the model's, lacks files or holds pointers", async () => {
    expect(await models("pull", id, "--from", folder)).toMatchObject({
      code: 1,
      error: expect.stringContaining("there is no config.json"),
    });
    const source = await disk();
    await rm(join(source, weightsPath));
    expect(await models("pull", id, "--from", source)).toMatchObject({
      code: 1,
      error: expect.stringContaining(`it has no ${weightsPath}`),
    });
    await writeFile(join(source, weightsPath), "version https://git-lfs.github.com/spec/v1\noid sha256:0\n");
    expect(await models("pull", id, "--from", source)).toMatchObject({
      code: 1,
      error: expect.stringContaining("git lfs pull"),
    });
    expect(await stateOf(id)).not.toBe("here");
  });

  test("refuses a file of the hub's cache that is not what its checksum says", async () => {
    const source = await disk();
    const blob = join(folder, "disk/blobs", "0".repeat(64));
    await mkdir(dirname(blob));
    await cp(join(source, weightsPath), blob);
    await rm(join(source, weightsPath));
    await symlink(blob, join(source, weightsPath));
    expect(await models("pull", id, "--from", source)).toMatchObject({
      code: 1,
      error: expect.stringContaining("is not what its name's checksum says"),
    });
    expect(await stateOf(id)).toBe("partial");
  });
});

describe("info", () => {
  test("tells the record, the hub's files with their checksums, and the devices", async () => {
    const { code, out } = await models("info", id, "--json");
    expect(code).toBe(0);
    const told = JSON.parse(out);
    expect(told).toMatchObject({ id, license: "MIT", pooling: "cls", state: "absent", files: [] });
    expect(told.devices).toContain("cpu");
    expect(told.hub.dtypes).toEqual(["fp32", "q8"]);
    const file = told.hub.files.find(({ path }: { path: string }) => path === weightsPath);
    expect(file).toEqual({
      path: weightsPath,
      bytes: weights.length,
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });

  test("drafts the record of a model that genq does not know, which then can be pulled", async () => {
    hub.files.set("1_Pooling/config.json", Buffer.from('{"pooling_mode_cls_token":true}'));
    const { code, out } = await models("info", "acme/other", "--json");
    expect(code).toBe(0);
    const { draft } = JSON.parse(out);
    expect(draft).toEqual({ ...acme, id: "acme/other", dtype: "q8", pooling: "cls" });
    expect(await models("pull", "acme/other")).toMatchObject({
      code: 1,
      error: expect.stringContaining("drafts"),
    });
    await writeFile(join(cacheDir, "models.json"), JSON.stringify([draft]));
    expect(await models("pull", "acme/other")).toMatchObject({ code: 0 });
  });

  test("tells what is here while the hub is away", async () => {
    await models("pull", id);
    hub.failures = 1000;
    const { code, out } = await models("info", id);
    expect(code).toBe(0);
    expect(out).toContain(weightsPath);
    expect(out).toContain("503");
  });
});

describe("warm and tune", () => {
  /** A tiny BERT with random weights, as an operator's own model that is here. */
  async function ownModel(): Promise<string> {
    const shape = { layers: 1, hidden: 32, heads: 4, inner: 64, vocabulary: 6000, positions: 512 };
    await writeBert(join(cacheDir, "acme/bert"), shape);
    const record = { ...acme, id: "acme/bert", dtype: "fp32", dimensions: 32 };
    await writeFile(join(cacheDir, "models.json"), JSON.stringify([record]));
    return "acme/bert";
  }

  test("warm loads a model and tells time and memory, or why it does not work", async () => {
    const { code, out } = await models("warm", await ownModel(), "--json");
    expect(code).toBe(0);
    const told = JSON.parse(out);
    expect(told).toMatchObject({ task: "embedding", dtype: "fp32", device: "cpu" });
    expect(told.resident_bytes).toBeGreaterThan(50_000_000);
    expect(told.load_ms).toBeGreaterThan(0);
    await writeFile(join(cacheDir, "acme/bert/onnx/model.onnx"), "broken");
    expect(await models("warm", "acme/bert")).toMatchObject({
      code: 1,
      error: expect.stringContaining("acme/bert did not load"),
    });
  });

  test("warm tells whether a generation model continues several texts at once", async () => {
    await cp(join(bundledModelsFolder, "genq/mini-generator"), join(cacheDir, "acme/generator"), {
      recursive: true,
    });
    const onnx = join(cacheDir, "acme/generator/onnx");
    await cp(join(onnx, "model.onnx"), join(onnx, "model_quantized.onnx"));
    const own = { id: "acme/generator", task: "generation", dtype: "q8", maxTokens: 512 };
    await writeFile(join(cacheDir, "models.json"), JSON.stringify([own]));
    expect(await models("warm", own.id)).toMatchObject({
      code: 0,
      out: expect.stringContaining("One text at a time: its graph, dtype or device does not allow more."),
    });
    const { out } = await models("warm", "genq/mini-generator", "--json");
    expect(JSON.parse(out)).toMatchObject({ batching: "continuous" });
  });

  test("tune measures plans, keeps the best for this machine, and shows them all", async () => {
    const id = await ownModel();
    const { code, out } = await models("tune", id, "--json");
    expect(code).toBe(0);
    const { measured, best } = JSON.parse(out);
    expect(measured.length).toBeGreaterThanOrEqual(3);
    const rates = measured.map(({ tokensPerSecond }: { tokensPerSecond: number }) => tokensPerSecond);
    expect(best.tokensPerSecond).toBe(Math.max(...rates));
    const { record } = findModel(id, "embedding", readKnownModels(cacheDir));
    const { bulkProcesses, threadsPerBulkProcess, tokensPerRun } = best;
    const kept = readTuning(record, join(cacheDir, id));
    expect(kept).toEqual({ bulkProcesses, threadsPerBulkProcess, tokensPerRun });
    expect(readTuning({ ...record, dtype: "q8" }, join(cacheDir, id))).toBeUndefined();
  });

  test("tune refuses what it can't tune", async () => {
    expect(await models("tune", "genq/mini-generator")).toMatchObject({
      code: 1,
      error: expect.stringContaining("only bulk embedding is tuned"),
    });
    expect(await models("tune", "genq/mini-embedder")).toMatchObject({ code: 1 });
  });
});

test("tells what is wrong with the command, the environment and models.json", async () => {
  expect(await models("fetch")).toMatchObject({
    code: 2,
    error: expect.stringContaining("list, info, pull"),
  });
  expect(await models("pull")).toMatchObject({ code: 2, error: expect.stringContaining("pull NAME") });
  expect(await models("list", "--from", "x")).toMatchObject({ code: 2 });
  expect(await models("--help")).toMatchObject({ code: 0, out: expect.stringContaining("Usage:") });
  await writeFile(join(cacheDir, "models.json"), "[");
  expect(await models("list")).toMatchObject({ code: 1, error: expect.stringContaining("models.json") });
  hub.url = "ftp://example.com";
  expect(await models("list")).toMatchObject({ code: 2, error: expect.stringContaining("HF_ENDPOINT") });
});
