import { setTimeout as sleep } from "node:timers/promises";
import { storageTroubles } from "../../stack/storage-proxy.ts";
import { processesOf } from "../stack.ts";
import { type Inject, pickBy } from "./fault.ts";
import { killHard } from "./kills.ts";
import { signalTo, waitUntil } from "./wait-until.ts";

const heldMs = { from: 1500, more: 4000 };
/** How long to wait for somebody to use storage. */
const patienceMs = 20_000;

export const breakStorage: Inject = async (step, context) => {
  const ms = heldMs.from + Math.round(step.length * heldMs.more);
  const { stack, signal } = context;
  const { storage } = stack;
  const trouble = pickBy(storageTroubles, step.way);
  if (storage === undefined || trouble === undefined) return await breakSupabase(step, context);
  const before = storage.counts[trouble];
  storage.set(trouble);
  try {
    await sleep(ms, undefined, { signal });
    await waitUntil(patienceMs, () => storage.counts[trouble] > before || signal.aborted);
  } finally {
    storage.set(undefined);
  }
  const count = storage.counts[trouble] - before;
  return count === 0 ? undefined : `storage: ${trouble}, ${count} requests`;
};

/** Where storage is a process of this machine. */
const breakSupabase: Inject = async (step, context) => {
  const pid = processesOf("supabase")[0]?.pid;
  if (pid === undefined) return undefined;
  if (step.way < 0.5) {
    if (!context.mayEnd("supabase") || !(await killHard(pid))) return undefined;
    context.noteEnd("supabase");
    return "kill -9 of Supabase";
  }
  const ms = heldMs.from + Math.round(step.length * heldMs.more);
  if (!signalTo(pid, "SIGSTOP")) return undefined;
  try {
    await sleep(ms, undefined, { signal: context.signal });
  } finally {
    signalTo(pid, "SIGCONT");
  }
  return `SIGSTOP of Supabase for ${ms} ms`;
};
