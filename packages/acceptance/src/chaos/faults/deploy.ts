import type { Service } from "../stack.ts";
import { awake, type FaultContext, type Inject } from "./fault.ts";
import { signalTo, waitUntil } from "./wait-until.ts";

/** Longer than the grace period of 5 s. */
const endedMs = 10_000;
const readyMs = 30_000;

/** SIGTERM of all workers, or of all apis, one after the other as each is up again. */
export const deploy: Inject = async (step, context) => {
  const role = step.way < 0.5 ? "worker" : "api";
  const done: string[] = [];
  for (const service of awake(context, role, step.target)) {
    if (!context.mayEnd(role)) break;
    const how = await restart(service, context);
    if (how !== undefined) done.push(`${service.index} (${how})`);
  }
  return done.length === 0 ? undefined : `SIGTERM of ${role} ${done.join(", ")}`;
};

async function restart(service: Service, context: FaultContext): Promise<string | undefined> {
  const pid = service.pid();
  const begun = performance.now();
  if (context.asleep.has(service) || !signalTo(pid, "SIGTERM")) return undefined;
  const ended = await waitUntil(endedMs, () => service.pid() !== pid, 20);
  if (ended === undefined) return "did not end";
  context.noteEnd(service.role);
  const exit = service.lastExit?.() ?? "";
  const ms = Math.round(performance.now() - begun);
  const up = await waitUntil(readyMs, () =>
    fetch(service.healthUrl, { signal: AbortSignal.timeout(2000) }).then(
      ({ ok }) => ok,
      () => false,
    ),
  );
  return `${exit === "" ? "" : `exit ${exit}, `}${ms} ms${up === undefined ? ", not up again" : ""}`;
}
