import type { Flags } from "./flags.ts";
import type { History } from "./history.ts";
import { type InvariantName, invariantTexts, type Verdict } from "./invariants.ts";

const shown = 10;

export interface Run {
  flags: Flags;
  history: History;
  verdict: Verdict;
  kills: number;
  otherFaults: number;
  seconds: number;
}

/** The command that repeats a run. */
export function commandOf({ kills, seed, faults, edition }: Flags): string {
  const flags = `--kills ${kills} --seed ${seed} --faults ${faults.join()} --edition ${edition}`;
  return `npm run chaos -- ${flags}`;
}

export function isBroken({ broken }: Verdict): boolean {
  return Object.values(broken).some((trouble) => trouble.length > 0);
}

export function readableReport({ flags, history, verdict, kills, otherFaults, seconds }: Run): string {
  const list = (counts: Record<string, number>) =>
    Object.entries(counts)
      .map(([name, count]) => `${count} ${name}`)
      .join(", ") || "none";
  const lines = [
    `${kills} kills and ${otherFaults} other faults in ${seconds} s, seed ${flags.seed}`,
    `${history.asks.length} requests: ${history.count("accepted")} answers accepted, ${history.count("unknown")} unknown, ${history.count("refused")} refused`,
    `${history.repeats} asked again three times at once, ${history.cancels} canceled`,
    `tasks: ${list(verdict.statuses)}; problems: ${list(verdict.problems)}; ${verdict.takenOver} attempts taken over`,
    `compared: ${verdict.files} files and ${verdict.texts} texts with a run without faults, ${verdict.reports} reports of workers with the log`,
  ];
  for (const name of Object.keys(invariantTexts) as InvariantName[]) {
    const trouble = verdict.broken[name];
    lines.push(`${trouble.length === 0 ? "holds " : "BROKEN"} ${name} ${invariantTexts[name]}`);
    lines.push(...trouble.slice(0, shown).map((text) => `         ${text}`));
    if (trouble.length > shown) lines.push(`         and ${trouble.length - shown} more`);
  }
  const refusals = new Set(history.asks.flatMap(({ refusal }) => (refusal === undefined ? [] : [refusal])));
  for (const refusal of refusals) lines.push(`refused: ${refusal}`);
  if (isBroken(verdict)) lines.push(`To repeat it: ${commandOf(flags)}`);
  return lines.join("\n");
}

export function jsonReport({ flags, history, verdict, kills, seconds }: Run): string {
  const { broken } = verdict;
  const invariants = Object.fromEntries(
    Object.entries(broken).map(([name, trouble]) => [name, trouble.length === 0]),
  );
  return JSON.stringify({
    kills,
    tasks: history.accepted().length,
    lost: broken.I1.length,
    duplicated: broken.I2.length + broken.I3.length + broken.I7.length,
    stale_writes: broken.I5.length,
    invariants,
    seed: flags.seed,
    seconds,
  });
}
