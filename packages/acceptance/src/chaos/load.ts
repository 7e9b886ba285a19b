import { setTimeout as sleep } from "node:timers/promises";
import type { GenqClient } from "@genq/sdk";
import { randomSentences } from "../documents/random-words.ts";
import { type ChaosUser, newAsk, send } from "./client.ts";
import type { Ask, History } from "./history.ts";
import { createRandom, type Random } from "./random.ts";

const pauseMs = { from: 60, to: 500 };
/** Requests of one user that run at once. */
const lanes = 2;
/** A client asks again for so long, then leaves it to the end. */
const patienceMs = 20_000;

/** Several users who ask, ask again, cancel and look, until `signal` aborts. */
export async function offerLoad(
  users: ChaosUser[],
  history: History,
  seed: number,
  signal: AbortSignal,
): Promise<void> {
  await Promise.all(
    users.flatMap((user) =>
      Array.from({ length: lanes }, (_, lane) =>
        runLane({ user, history, signal }, createRandom(seed, user.index * lanes + lane)),
      ),
    ),
  );
}

interface Lane {
  user: ChaosUser;
  history: History;
  signal: AbortSignal;
}

async function runLane(lane: Lane, random: Random): Promise<void> {
  const sentence = randomSentences(random.between(1, 1e9));
  const mine: Ask[] = [];
  while (!lane.signal.aborted) {
    const draw = random.next();
    const old = random.pick(mine);
    if (old !== undefined && draw < 0.06) await cancel(lane, random, old);
    else if (old !== undefined && draw < 0.14) await look(lane, random, old);
    else if (old !== undefined && draw < 0.2) await repeat(lane, random, old);
    else mine.push(await ask(lane, random, sentence));
    await sleep(random.between(pauseMs.from, pauseMs.to));
  }
}

function anyClient({ user }: Lane, random: Random): GenqClient {
  const client = random.pick(user.clients);
  if (client === undefined) throw new Error("A stack has at least one api.");
  return client;
}

async function ask(lane: Lane, random: Random, sentence: () => string): Promise<Ask> {
  const { index } = lane.user;
  const draw = random.next();
  const kind = draw < 0.8 ? "embed" : draw < 0.94 ? "generate" : "upload";
  const sentences = kind === "upload" ? random.between(5, random.chance(0.1) ? 2000 : 100) : 1;
  const about = Array.from({ length: sentences }, sentence).join(" ");
  const made = lane.history.add(newAsk(index, kind, about));
  const begun = performance.now();
  // Some answers are lost on the client's side, at any point of the request.
  let lost = random.chance(0.1) ? AbortSignal.timeout(random.between(1, 40)) : undefined;
  for (let tries = 1; ; tries++) {
    const outcome = await send(anyClient(lane, random), made, lost);
    if (outcome !== "unknown" || performance.now() - begun > patienceMs) return made;
    lost = undefined;
    await sleep(random.between(50, Math.min(2000, 200 * tries)));
  }
}

/** The same request again, three at once: each must find the same task. */
async function repeat(lane: Lane, random: Random, old: Ask): Promise<void> {
  lane.history.repeats++;
  await Promise.all([1, 2, 3].map(() => send(anyClient(lane, random), old)));
}

async function cancel(lane: Lane, random: Random, old: Ask): Promise<void> {
  const id = [...old.taskIds][0];
  // Files are needed at the end: most of them are left alone.
  if (id === undefined || (old.kind === "upload" && random.chance(0.7))) return;
  lane.history.cancels++;
  const task = await anyClient(lane, random)
    .tasks.cancel(id)
    .catch(() => undefined);
  note(old, task?.status);
}

async function look(lane: Lane, random: Random, old: Ask): Promise<void> {
  const id = [...old.taskIds][0];
  if (id === undefined) return;
  const task = await anyClient(lane, random)
    .tasks.get(id)
    .catch(() => undefined);
  note(old, task?.status);
}

function note(old: Ask, status: string | undefined): void {
  if (status !== undefined && status !== "queued" && status !== "processing") old.seenStatuses.add(status);
}
