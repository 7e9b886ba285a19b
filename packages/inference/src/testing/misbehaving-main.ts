import { startBeats } from "../child/start-beats.ts";
import { finishStep, noProgress, runModel } from "../child/yield-to-events.ts";
import type { Call, ChildMessage, ParentMessage } from "../messages.ts";
import { packVectors } from "../packed-vectors.ts";

/**
 * A child as the package's own, but for its model: the first text of a request says what goes wrong. "wait 200" is well
 * behaved, takes 200 ms and stops when it is told to.
 */
const progress = noProgress();
startBeats(progress);
process.on("disconnect", () => process.exit());
const send = (message: ChildMessage) => process.send?.(message);
const canceled = new Map<number, () => void>();
const eaten: Buffer[] = [];

function spin(): void {
  for (;;);
}

const misdeeds: Record<string, () => unknown> = {
  spin,
  "run forever": () => runModel(progress, 10, () => Promise.resolve(spin())),
  stop: () => process.kill(process.pid, "SIGSTOP"),
  segv: () => process.kill(process.pid, "SIGSEGV"),
  eat: () => {
    for (let i = 0; i < 400; i++) eaten.push(Buffer.alloc(1024 * 1024, 1));
  },
  // Goes on and on, and does not listen.
  deaf: () => setInterval(() => void finishStep(progress), 50),
};

process.on("message", (message: ParentMessage) => {
  if (message.type === "load") send({ type: "ready" });
  else if (message.type === "cancel") canceled.get(message.id)?.();
  else answer(message.id, message.call);
});

function answer(id: number, call: Call): void {
  const texts = call.type === "generate" ? call.messages.map(({ content }) => content) : call.texts;
  const [text = ""] = texts;
  if (text === "grow") eaten.push(Buffer.alloc(200 * 1024 * 1024, 1));
  const [, ms] = /^wait (\d+)$/.exec(["warm-up", "grow"].includes(text) ? "wait 0" : text) ?? [];
  if (ms === undefined) {
    misdeeds[text]?.();
    return;
  }
  const vectors = texts.map(() => new Float32Array(384));
  const result = packVectors({
    vectors,
    tokens: texts.map(() => process.pid),
    truncatedTokens: texts.map(() => 0),
  });
  const timer = setTimeout(() => {
    void finishStep(progress);
    send({ type: "result", id, result: call.type === "count" ? [process.pid] : result });
  }, Number(ms));
  canceled.set(id, () => {
    clearTimeout(timer);
    send({ type: "error", id, code: "aborted", message: "stopped" });
  });
}
