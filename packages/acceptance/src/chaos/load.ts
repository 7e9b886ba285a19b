import { setTimeout as sleep } from "node:timers/promises";
import { type ChaosUser, newRequest, send } from "./client.ts";
import type { Ask, AskKind, History } from "./history.ts";
import { anyClient, type Lane } from "./lane.ts";
import { cancel, look, remove, repeat, retry } from "./load-actions.ts";
import { type Pace, pause } from "./pace.ts";
import { createRandom } from "./random.ts";
import { documentCount, longDocument } from "./texts.ts";

/** Requests of one user that run at once. */
const lanes = 8;
/** A lane does more with its latest requests, and leaves the older ones alone. */
const remembered = 40;
/** A client asks again for so long, then leaves it to the end. */
const patienceMs = 20_000;
const longWaitMs = 60_000;

/** Users who ask, ask again, cancel, look, retry and delete, and one with long documents, until `signal` aborts. */
export async function offerLoad(
  users: ChaosUser[],
  { history, seed, pace, signal }: { history: History; seed: number; pace: Pace; signal: AbortSignal },
): Promise<void> {
  const [patient, ...busy] = users;
  if (patient === undefined) return;
  await Promise.all([
    runLongLane({ user: patient, history, signal, random: createRandom(seed, 0) }),
    ...busy.flatMap((user) =>
      Array.from({ length: lanes }, (_, lane) =>
        runLane({ user, history, signal, random: createRandom(seed, user.index * lanes + lane) }, pace),
      ),
    ),
  ]);
}

async function runLane(lane: Lane, pace: Pace): Promise<void> {
  const { random, signal } = lane;
  const mine: Ask[] = [];
  while (!signal.aborted) {
    const draw = random.next();
    const old = random.pick(mine);
    const failing = mine.find(({ kind, retries }) => kind === "unreadable" && retries === 0);
    if (failing !== undefined && draw > 0.95) await retry(lane, failing);
    else if (old !== undefined && draw < 0.02) await cancel(lane, old);
    else if (old !== undefined && draw < 0.08) await look(lane, old);
    else if (old !== undefined && draw < 0.12) await repeat(lane, old);
    else if (old !== undefined && draw < 0.15) await remove(lane, old);
    else {
      await pace.turn(signal);
      if (signal.aborted) return;
      const made = await ask(lane, kindOf(random.next(), pace), undefined);
      // Soon enough, now and then, to find it queued or running.
      if (random.chance(0.04)) await cancel(lane, made);
      mine.push(made);
      if (mine.length > remembered) mine.shift();
    }
  }
}

/** Always has something at work that takes long: a worker that is paused shall hold it. */
async function runLongLane(lane: Lane): Promise<void> {
  const { random, signal } = lane;
  while (!signal.aborted) {
    const made = await ask(lane, "upload", longDocument);
    if (random.chance(0.2)) {
      await pause(random.between(500, 4000), signal);
      await cancel(lane, made);
    }
    const [id] = made.taskIds;
    const client = anyClient(lane);
    if (id !== undefined)
      await client.tasks.wait(id, { timeoutMs: longWaitMs, signal }).catch(() => pause(1000, signal));
    if (random.chance(0.5)) await remove(lane, made);
  }
}

/** Most are embeddings: a document costs what fifty of them do. */
function kindOf(draw: number, pace: Pace): AskKind {
  if (draw < 0.035 && pace.hasRoom("ingest")) return draw < 0.03 ? "upload" : "unreadable";
  if (draw > 0.92 && pace.hasRoom("generate")) return "generate";
  return "embed";
}

async function ask(lane: Lane, kind: AskKind, document: number | undefined): Promise<Ask> {
  const { random, user, history } = lane;
  // The larger documents are rarer.
  const index = Math.floor(random.next() ** 2 * documentCount);
  const text = kind === "upload" ? (document ?? index) : random.between(1, 1e9);
  const made = history.add(newRequest(user.index, kind, text));
  const begun = performance.now();
  // Some answers are lost on the client's side, at any point of the request.
  let lost = random.chance(0.1) ? AbortSignal.timeout(random.between(1, 40)) : undefined;
  for (let tries = 1; ; tries++) {
    const outcome = await send(anyClient(lane), made, lost);
    if (outcome !== "unknown" || performance.now() - begun > patienceMs) return made;
    lost = undefined;
    await sleep(random.between(50, Math.min(2000, 200 * tries)));
  }
}
