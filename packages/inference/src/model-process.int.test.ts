import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test, vi } from "vitest";
import { createMiniInference, isAlive, modelPid } from "./testing/mini-inference.ts";
import type { GenerateRequest, Inference, InferenceLimits } from "./types.ts";

const opened: Inference[] = [];
function open(limits: Partial<InferenceLimits> = {}): Inference {
  const inference = createMiniInference(limits);
  opened.push(inference);
  return inference;
}
afterEach(async () => {
  await Promise.all(opened.splice(0).map((inference) => inference.close()));
});

const embedder = "genq/mini-embedder";
const generator = "genq/mini-generator";
const embed = (inference: Inference, texts = ["a text"], signal?: AbortSignal) =>
  inference.embed({ texts, kind: "query", priority: "bulk", signal });
// So long that a kill comes before its end.
const longStory = Array.from({ length: 24 }, (_, i) => `guest ${i * 37} came`).join(", ");
const story = (extra: Partial<GenerateRequest> = {}): GenerateRequest => ({
  messages: [
    {
      role: "user",
      content: `Passages:\n[1] One day a long story was told to many people: ${longStory}.\n\nQuestion: What was told to many people?`,
    },
  ],
  maxNewTokens: 256,
  temperature: 0,
  ...extra,
});

/** Does something at the first piece of text of a generation. */
async function generateAnd(inference: Inference, act: () => void, extra: Partial<GenerateRequest> = {}) {
  const stream = inference.generateStream(story(extra));
  let acted = false;
  for await (const _ of stream) {
    if (!acted) act();
    acted = true;
  }
  return await stream.result;
}

describe("a crash", () => {
  test("fails the requests of that model only, and the next request works", async () => {
    const inference = open();
    await inference.load();
    const running = generateAnd(inference, () => process.kill(modelPid(generator), "SIGKILL"));
    const other = embed(inference, new Array(200).fill("an unrelated text "));
    await expect(running).rejects.toMatchObject({ code: "model_crashed", processDied: true });
    expect(inference.status()).toMatchObject([{ state: "ready" }, { state: "failed" }]);
    expect((await other).vectors).toHaveLength(200);
    expect((await inference.generate(story())).finishReason).toBe("stop");
    expect(inference.status()).toMatchObject([{ state: "ready" }, { state: "ready" }]);
  });

  test("fails each text that the model was continuing, and no request that waits in the queue", async () => {
    const inference = open({ generationRows: 2 });
    await inference.load();
    const first = generateAnd(inference, () => process.kill(modelPid(generator), "SIGKILL"));
    const beside = inference.generate(story());
    const waiting = inference.generate(story());
    const crashed = { code: "model_crashed", processDied: true };
    const outcomes = Promise.allSettled([first, beside]);
    await expect(waiting).resolves.toMatchObject({ finishReason: "stop" });
    expect(await outcomes).toMatchObject([{ reason: crashed }, { reason: crashed }]);
  });
});

describe("a hang", () => {
  test("ends with the process killed", async () => {
    const inference = open({ silenceMs: 1000 });
    await inference.load();
    const pid = modelPid(embedder);
    process.kill(pid, "SIGSTOP");
    await expect(embed(inference)).rejects.toMatchObject({ code: "inference_timeout" });
    expect(isAlive(pid)).toBe(false);
    await expect(embed(inference)).resolves.toMatchObject({ model: embedder });
  });
});

describe("an abort", () => {
  test("ends a generation between two tokens, and the process lives on", async () => {
    const inference = open();
    await inference.load();
    const pid = modelPid(generator);
    const controller = new AbortController();
    const running = generateAnd(inference, () => controller.abort(), { signal: controller.signal });
    await expect(running).rejects.toMatchObject({ code: "aborted" });
    await inference.generate(story());
    expect(modelPid(generator)).toBe(pid);
  });

  test("kills a process that does not obey", async () => {
    const inference = open({ abortGraceMs: 300 });
    await inference.load();
    const pid = modelPid(generator);
    const controller = new AbortController();
    const stopAndAbort = () => {
      process.kill(pid, "SIGSTOP");
      controller.abort();
    };
    await expect(generateAnd(inference, stopAndAbort, { signal: controller.signal })).rejects.toMatchObject({
      code: "aborted",
    });
    await vi.waitFor(() => expect(isAlive(pid)).toBe(false), 3000);
    await expect(inference.generate(story())).resolves.toMatchObject({ finishReason: "stop" });
  });

  test("ends an embedding, before and while it runs", async () => {
    const inference = open();
    await expect(embed(inference, ["a"], AbortSignal.abort())).rejects.toMatchObject({ code: "aborted" });
    await inference.load();
    const controller = new AbortController();
    const running = embed(
      inference,
      new Array(2000).fill("many words in a text ".repeat(20)),
      controller.signal,
    );
    setTimeout(() => controller.abort(), 50);
    await expect(running).rejects.toMatchObject({ code: "aborted" });
    await expect(embed(inference)).resolves.toMatchObject({ model: embedder });
  });
});

describe("load", () => {
  test("refuses what is over the bound as overloaded", async () => {
    const inference = open({ maxQueuedRequests: 3 });
    const results = await Promise.allSettled(Array.from({ length: 5 }, () => embed(inference)));
    expect(results.map(({ status }) => status)).toEqual([
      "fulfilled",
      "fulfilled",
      "fulfilled",
      "rejected",
      "rejected",
    ]);
    expect(results[4]).toMatchObject({ reason: { code: "overloaded" } });
  });

  test("lets interactive requests overtake bulk ones", async () => {
    const inference = open();
    await inference.load();
    const order: string[] = [];
    const bulk = Array.from({ length: 4 }, () =>
      embed(inference, new Array(200).fill("words of a long text ".repeat(30))).then(() =>
        order.push("bulk"),
      ),
    );
    const interactive = inference
      .embed({ texts: ["a question"], kind: "query", priority: "interactive" })
      .then(() => order.push("interactive"));
    await Promise.all([...bulk, interactive]);
    expect(order[0]).toBe("interactive");
  });
});

test("a model's process ends with its parent, also when that is killed", async () => {
  const parent = spawn(process.execPath, [fileURLToPath(new URL("./testing/parent.ts", import.meta.url))], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(parent.stdout, "data");
  const pid = modelPid(embedder, parent.pid);
  parent.kill("SIGKILL");
  await vi.waitFor(() => expect(isAlive(pid)).toBe(false), 5000);
});

test("close ends the processes and fails what is pending", async () => {
  const inference = open();
  await inference.load();
  const pids = [modelPid(embedder), modelPid(generator)];
  const running = generateAnd(inference, () => void inference.close());
  await expect(running).rejects.toMatchObject({ code: "aborted" });
  await inference.close();
  expect(pids.map(isAlive)).toEqual([false, false]);
  await expect(embed(inference)).rejects.toMatchObject({ code: "aborted" });
});
