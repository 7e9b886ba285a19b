import type { Step } from "./database.ts";

const terminal = new Set(["completed", "failed", "canceled", "expired"]);
/** What comes of a task without the word of a claim's holder: of the API's, a reconciler's, or a claim itself. */
const othersMay = new Set(["queued", "processing", "canceled", "expired", "failed"]);

/** I2: one terminal transition in each life, nothing after it, and no gap in between. */
export function findBrokenSteps(steps: Step[]): string[] {
  const broken: string[] = [];
  let before: Step | undefined;
  for (const step of steps) {
    if (step.from !== (before?.to ?? null)) broken.push(`it went from ${before?.to} as if from ${step.from}`);
    const nextLife = before?.to === "failed" && step.to === "queued" && step.life === before.life + 1;
    if (before !== undefined) {
      if (terminal.has(before.to) && !nextLife) broken.push(`it was ${before.to} and became ${step.to}`);
      if (step.life !== before.life && !nextLife) broken.push(`life ${step.life} began with ${step.to}`);
      const expected = step.to === "processing" ? before.attempt + 1 : before.attempt;
      if (step.attempt !== expected) broken.push(`attempt ${step.attempt} after ${before.attempt}`);
    }
    before = step;
  }
  return broken;
}

/**
 * I5: whoever wrote a transition as an attempt held the lease at that time. The holder comes from the log alone: it is
 * the last attempt that was claimed, until the task left `processing`.
 */
export function findStaleSteps(steps: Step[]): string[] {
  const broken: string[] = [];
  let holder: number | undefined;
  for (const step of steps) {
    if (step.writer !== null && step.writer !== holder)
      broken.push(`attempt ${step.writer} wrote ${step.to} while ${holderText(holder)}`);
    if (step.writer === null && !othersMay.has(step.to)) broken.push(`${step.to} was written by no attempt`);
    holder = step.to === "processing" ? step.attempt : undefined;
  }
  return broken;
}

function holderText(holder: number | undefined): string {
  return holder === undefined ? "nobody held it" : `attempt ${holder} held it`;
}

/** How the lives of a task ended. */
export function terminalSteps(steps: Step[]): string[] {
  return steps.filter(({ from, to }) => terminal.has(to) && from !== to).map(({ to }) => to);
}

/** How many attempts were given up without a word of theirs, and the task taken over or quarantined. */
export function countTakeOvers(steps: Step[]): number {
  return steps.filter(({ from, to, writer }) => from === "processing" && writer === null && to !== "canceled")
    .length;
}

/** What a worker says that it reported, and the transition that must have come of it. */
const reported: Record<string, string> = {
  completed: "completed",
  failed: "failed",
  retried: "queued",
  given_back: "queued",
};

/** I5 from the other side: each report that a worker believes to have made is the transition of its very attempt. */
export function findDeniedReports(steps: Step[], reports: string[]): string[] {
  const seen = new Set<string>();
  return reports.flatMap((report) => {
    const [attempt, status = ""] = report.split(" ");
    const said = `attempt ${attempt} says that it reported ${status}`;
    if (seen.has(report)) return [`${said} twice`];
    seen.add(report);
    const happened = steps.some(
      ({ from, to, writer }) =>
        from === "processing" && to === reported[status] && writer === Number(attempt),
    );
    return happened ? [] : [`${said}, and the log of transitions does not`];
  });
}

export function isReport(status: string): boolean {
  return status in reported;
}
