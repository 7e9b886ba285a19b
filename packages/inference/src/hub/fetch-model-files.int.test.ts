import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { bundledModelsFolder } from "../bundled-models.ts";
import { createInference } from "../create-inference.ts";
import { findModel } from "../model-catalog.ts";
import { type HubServer, startHubServer } from "../testing/hub-server.ts";
import type { DownloadProgress, ModelStatus } from "../types.ts";
import { downloadFile } from "./download-file.ts";
import { fetchModelFiles } from "./fetch-model-files.ts";
import { hubFileUrl } from "./hub-file.ts";

const { record } = findModel("Xenova/multilingual-e5-small", "embedding");
const weights = await readFile(join(bundledModelsFolder, "genq/mini-embedder/onnx/model.onnx"));
const quick = { maxFailures: 3, firstDelayMs: 5, maxDelayMs: 20 };
let hub: HubServer;
let cacheDir: string;

beforeEach(async () => {
  hub = await startHubServer();
  cacheDir = await mkdtemp(join(tmpdir(), "genq-hub-"));
});
afterEach(async () => {
  await hub.close();
  await rm(cacheDir, { recursive: true });
});

function download(
  onProgress: (progress: DownloadProgress) => void = () => {},
  signal = new AbortController().signal,
) {
  return fetchModelFiles({ record, cacheDir, hubEndpoint: `${hub.url}/`, onProgress, signal, retry: quick });
}
const isGetOfWeights = (request: string) => request.startsWith("GET") && request.includes(".onnx");
const savedWeights = () => readFile(join(cacheDir, record.id, "onnx/model_quantized.onnx"));

test("a hub's model downloads, loads and embeds, and tells how far it is", async () => {
  const statuses: ModelStatus[] = [];
  const models = { embedding: record.id, generation: "genq/mini-generator" };
  const inference = createInference({
    models,
    cacheDir,
    hubEndpoint: hub.url,
    onStatus: (status) => statuses.push(status),
  });
  try {
    const { vectors, model } = await inference.embed({
      texts: ["a"],
      kind: "query",
      priority: "interactive",
    });
    expect(model).toBe(record.id);
    expect(vectors[0]).toHaveLength(384);
  } finally {
    await inference.close();
  }
  expect([...new Set(statuses.map(({ state }) => state))]).toEqual(["loading", "downloading", "ready"]);
  const last = statuses.findLast(({ state }) => state === "downloading")?.progress;
  expect(last?.loadedBytes).toBe(last?.totalBytes);
  expect(last?.totalBytes).toBeGreaterThan(weights.length);
});

test("broken connections and failing answers: the download goes on where it was", async () => {
  hub.cutAfterBytes = 300_000;
  hub.failures = 2;
  await download();
  expect(await savedWeights()).toEqual(weights);
  const ranges = hub.requests.filter(isGetOfWeights).filter((request) => request.includes("/cdn/"));
  expect(ranges.length).toBeGreaterThanOrEqual(Math.floor(weights.length / 300_000));
  expect(ranges.slice(1).every((request) => /bytes=[1-9]\d*-$/.test(request))).toBe(true);
  expect(await readdir(join(cacheDir, record.id, "onnx"))).toEqual(["model_quantized.onnx"]);
});

test("another process goes on with what an ended one left", async () => {
  hub.cutAfterBytes = 200_000;
  const controller = new AbortController();
  const watch = setInterval(() => {
    if (hub.requests.some((request) => isGetOfWeights(request) && request.includes("bytes=")))
      controller.abort();
  }, 1);
  await expect(download(() => {}, controller.signal)).rejects.toMatchObject({ code: "aborted" });
  clearInterval(watch);

  hub.cutAfterBytes = undefined;
  hub.requests.length = 0;
  await download();
  expect(hub.requests.filter(isGetOfWeights)[0]).toMatch(/bytes=[1-9]\d*-$/);
  expect(await savedWeights()).toEqual(weights);
});

test("a server without ranges sends the whole file again", async () => {
  hub.ranges = false;
  hub.cutAfterBytes = 1_000_000;
  const running = download();
  setTimeout(() => {
    hub.cutAfterBytes = undefined;
  }, 5);
  await running;
  expect(await savedWeights()).toEqual(weights);
});

test("a partial file that has all bytes already, of a size that the hub does not tell, is fetched anew", async () => {
  const target = join(cacheDir, "weights.onnx");
  const partial = createHash("sha256").update("undefined undefined").digest("hex").slice(0, 12);
  await writeFile(`${target}.${partial}.partial`, weights);
  const path = "onnx/model_quantized.onnx";
  const file = {
    url: hubFileUrl(hub.url, record.id, "main", path),
    path,
    sizeBytes: undefined,
    etag: undefined,
  };
  const { signal } = new AbortController();
  await downloadFile({ file, target, onBytes: () => {}, signal, retry: quick });
  expect(await readFile(target)).toEqual(weights);
});

test("a complete folder needs no network", async () => {
  await download();
  const before = hub.requests.length;
  expect(await download()).toBe(join(cacheDir, record.id));
  expect(hub.requests).toHaveLength(before);
});

test("two processes at once download once", async () => {
  await Promise.all([download(), download()]);
  expect(hub.requests.filter(isGetOfWeights).filter((request) => request.includes("/cdn/"))).toHaveLength(1);
});

test("a wrong checksum leaves no file", async () => {
  hub.checksum = "0".repeat(64);
  await expect(download()).rejects.toMatchObject({
    code: "model_unavailable",
    message: expect.stringContaining("checksum"),
  });
  expect(await readdir(join(cacheDir, record.id, "onnx"))).toEqual([]);
});

test("a hub that cannot be reached or lacks the model is model_unavailable", async () => {
  const url = hub.url;
  hub.url = "http://127.0.0.1:9";
  await expect(download()).rejects.toMatchObject({ code: "model_unavailable" });
  hub.url = `${url}/nowhere`;
  await expect(download()).rejects.toMatchObject({ code: "model_unavailable" });
});

/** What a refused model was asked for: no file's content but the config's. */
const contentRequests = () =>
  hub.requests.filter((request) => request.startsWith("GET") && !request.includes("config.json"));

test("a model of another kind is refused by its config alone", async () => {
  hub.files.set(
    "config.json",
    Buffer.from(JSON.stringify({ architectures: ["ViTModel"], hidden_size: 384 })),
  );
  await expect(download()).rejects.toMatchObject({
    code: "model_unavailable",
    message: expect.stringContaining("it is ViTModel, which reads no text"),
  });
  expect(contentRequests()).toEqual([]);
  expect(await readdir(join(cacheDir, record.id))).toEqual([]);
});

test("a model without weights of the dtype is refused with what there is", async () => {
  hub.files.set("onnx/model_quantized.onnx", null).set("onnx/model_q4.onnx", weights);
  await expect(download()).rejects.toMatchObject({
    code: "model_unavailable",
    message: `${record.id} has no q8 weights (onnx/model_quantized.onnx): it has fp32, q4.`,
  });
  hub.files.set("onnx/model.onnx", null).set("onnx/model_q4.onnx", null);
  await expect(download()).rejects.toMatchObject({
    message: expect.stringContaining("no ONNX weights of any kind"),
  });
  expect(contentRequests()).toEqual([]);
});

test("a model that is not there is told from a hub that can't be reached", async () => {
  hub.files.set("config.json", null);
  await expect(download()).rejects.toMatchObject({
    code: "model_unavailable",
    message: expect.stringContaining("there is no such model, or it is not for everyone"),
  });
});
