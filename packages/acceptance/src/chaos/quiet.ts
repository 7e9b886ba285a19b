import { setTimeout as sleep } from "node:timers/promises";
import { type ChaosUser, send } from "./client.ts";
import type { TruthDatabase } from "./database.ts";
import type { History } from "./history.ts";

/** How long the last attempts may take to be given up, taken over and done. */
const quietMs = 240_000;
const resolveMs = 60_000;

/** Asks again for whatever is still unknown, until there is an answer. */
export async function resolveUnknown(users: ChaosUser[], history: History): Promise<void> {
  const deadline = performance.now() + resolveMs;
  for (const ask of history.asks.filter((one) => one.outcomes.at(-1) === "unknown")) {
    const client = users[ask.user]?.clients[0];
    if (client === undefined) throw new Error("Every request has its user.");
    while ((await send(client, ask)) === "unknown" && performance.now() < deadline) await sleep(500);
  }
}

/** Waits until no task is open. Returns how many are left at the bound. */
export async function untilQuiet(truth: TruthDatabase, signal: AbortSignal): Promise<number> {
  const deadline = performance.now() + quietMs;
  let open = await truth.openTasks();
  while (open > 0 && performance.now() < deadline) {
    await sleep(500, undefined, { signal });
    open = await truth.openTasks();
  }
  return open;
}
