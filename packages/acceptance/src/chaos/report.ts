import { invariantNames, invariantTexts } from "./findings.ts";
import type { Flags } from "./flags.ts";
import type { History } from "./history.ts";
import type { Injected } from "./inject.ts";
import type { Verdict } from "./invariants.ts";

const shown = 5;

export interface Run {
  flags: Flags;
  history: History;
  verdict: Verdict;
  faults: Injected;
  /** Claims that were taken over, by the fault that their worker met. */
  takeOvers: Record<string, number>;
  seconds: number;
  /** Accepted requests for each second under faults. */
  acceptedPerSecond: number;
  /** From the last fault until nothing was open. */
  quietSeconds: number;
}

/** The command that repeats a run. */
export function commandOf({ kills, seed, faults, edition, rate, tasks }: Flags): string {
  const flags = `--kills ${kills} --seed ${seed} --faults ${faults.join()} --edition ${edition} --rate ${rate} --tasks ${tasks}`;
  return `${edition === "server" ? "bash .ci/servers --queue redis " : ""}npm run chaos -- ${flags}`;
}

export function isBroken({ findings }: Verdict): boolean {
  return findings.any();
}

export function readableReport(run: Run): string {
  const { flags, history, verdict, faults, seconds } = run;
  const lines = [
    `${faults.kills} kills in ${seconds} s, seed ${flags.seed}; faults: ${list(faults.counts)}`,
    `planned and not seen to happen: ${list(faults.missed)}; claims taken over after: ${list(run.takeOvers)}`,
    `${history.asks.length} requests, ${run.acceptedPerSecond} accepted a second: ${history.count("accepted")} answers accepted, ${history.count("unknown")} unknown, ${history.count("refused")} refused`,
    `${history.repeats} asked again three times at once, ${history.cancels} canceled, ${history.retries} retried, ${history.deletions} deleted`,
    `tasks: ${list(verdict.statuses)}; problems: ${list(verdict.problems)}`,
    `${verdict.takeOvers} attempts were given up and taken over; ${verdict.lostRuns} runs lost their claim and wrote nothing`,
    `${verdict.events} webhook events in ${verdict.messages} messages`,
    `compared: ${verdict.files} files and ${verdict.texts} texts with a run without faults, ${verdict.reports} reports of workers with the log`,
    `quiet ${run.quietSeconds} s after the last fault; this client holds ${memoryMiB()} MiB`,
  ];
  for (const name of invariantNames) {
    const count = verdict.findings.count(name);
    lines.push(`${count === 0 ? "holds " : "BROKEN"} ${name} ${invariantTexts[name]}`);
    for (const { text, about } of verdict.findings.of(name).slice(0, shown)) {
      lines.push(`         ${text}`);
      if (about !== undefined) lines.push(`           ${JSON.stringify(about)}`);
    }
    if (count > shown) lines.push(`         and ${count - shown} more`);
  }
  if (isBroken(verdict)) lines.push(`To repeat it: ${commandOf(flags)}`);
  return lines.join("\n");
}

export function jsonReport(run: Run): string {
  const { flags, history, verdict, faults, seconds } = run;
  const { findings } = verdict;
  return JSON.stringify({
    kills: faults.kills,
    tasks: history.accepted(),
    lost: findings.count("I1"),
    duplicated: findings.count("I2", "I3", "I7"),
    stale_writes: findings.count("I5"),
    invariants: Object.fromEntries(invariantNames.map((name) => [name, findings.count(name) === 0])),
    seed: flags.seed,
    seconds,
    edition: flags.edition,
    faults: faults.counts,
    missed: faults.missed,
    skipped: faults.skipped,
    taken_over: run.takeOvers,
    take_overs: verdict.takeOvers,
    lost_runs: verdict.lostRuns,
    accepted_per_second: run.acceptedPerSecond,
    quiet_seconds: run.quietSeconds,
    statuses: verdict.statuses,
    problems: verdict.problems,
    webhook_events: verdict.events,
    webhook_messages: verdict.messages,
    files_compared: verdict.files,
    texts_compared: verdict.texts,
    client_mib: memoryMiB(),
  });
}

function list(counts: Record<string, number>): string {
  const parts = Object.entries(counts).map(([name, count]) => `${count} ${name}`);
  return parts.join(", ") || "none";
}

/** What this process holds of the machine's memory. */
export function memoryMiB(): number {
  return Math.round(process.memoryUsage.rss() / 1024 / 1024);
}
