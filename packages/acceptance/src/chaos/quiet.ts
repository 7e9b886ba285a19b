import { setTimeout as sleep } from "node:timers/promises";
import { type ChaosUser, isNotFound, send } from "./client.ts";
import type { TruthDatabase } from "./database.ts";
import { type Ask, type History, isUnknown } from "./history.ts";

/** How long the last attempts may take to be given up, taken over and done; an event that failed thrice waits 300 s. */
const quietMs = 420_000;
const resolveMs = 60_000;
const atOnce = 8;
const lookEveryMs = 200;
const tellEveryMs = 10_000;

/** Asks again for whatever is still unknown, until there is an answer. Returns how many that were. */
export async function resolveUnknown(users: ChaosUser[], history: History): Promise<number> {
  const deadline = performance.now() + resolveMs;
  const open = history.asks.filter((ask) => isUnknown(ask) || ask.deletion === "asked");
  const queue = [...open];
  const work = async () => {
    for (let ask = queue.pop(); ask !== undefined; ask = queue.pop()) {
      while (!(await resolve(users, ask)) && performance.now() < deadline) await sleep(500);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return open.length;
}

async function resolve(users: ChaosUser[], ask: Ask): Promise<boolean> {
  const client = users[ask.user]?.clients[0];
  if (client === undefined) throw new Error("Every request has its user.");
  if (isUnknown(ask)) return (await send(client, ask)) !== "unknown";
  const [taskId = ""] = ask.taskIds;
  const [fileId] = ask.fileIds;
  try {
    await (fileId === undefined ? client.tasks.delete(taskId) : client.files.delete(fileId));
  } catch (error) {
    if (!isNotFound(error)) return false;
  }
  ask.deletion = "done";
  return true;
}

/** Waits until no task is open, no object due for deletion and no event untold; says now and then what it waits for. */
export async function untilQuiet(
  truth: TruthDatabase,
  { say, signal }: { say: (text: string) => void; signal: AbortSignal },
): Promise<void> {
  const begun = performance.now();
  let tellAt = begun + tellEveryMs;
  while (performance.now() - begun < quietMs) {
    const open = await truth.openTasks();
    const { deletions, events } = await truth.pending();
    if (open.length === 0 && deletions === 0 && events === 0) return;
    if (performance.now() > tellAt) {
      tellAt += tellEveryMs;
      const tasks = open.map(
        ({ kind, status, tasks: count, seconds }) => `${count} ${kind} ${status} (${seconds.toFixed(1)} s)`,
      );
      say(`waiting for ${[...tasks, `${deletions} deletions`, `${events} events`].join(", ")}`);
    }
    await sleep(lookEveryMs, undefined, { signal });
  }
}
