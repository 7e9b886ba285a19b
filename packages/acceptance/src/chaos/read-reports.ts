import { createReadStream } from "node:fs";
import { access } from "node:fs/promises";
import { createInterface } from "node:readline";
import { isReport } from "./check-steps.ts";

export interface WorkerReports {
  /** By task: "attempt status" of each run whose report a worker believes to have been heard. */
  byTask: Map<string, string[]>;
  count: number;
  /** Runs that lost their claim: what they did after that was refused. */
  lost: number;
}

/** Reads the workers' logs line by line; what a killed process left of its last line is passed over. */
export async function readReports(files: string[]): Promise<WorkerReports> {
  const reports: WorkerReports = { byTask: new Map(), count: 0, lost: 0 };
  for (const file of files) {
    if (!(await exists(file))) continue;
    for await (const line of createInterface({
      input: createReadStream(file),
      crlfDelay: Number.POSITIVE_INFINITY,
    })) {
      const run = parseRun(line);
      if (run?.status === "lost") reports.lost++;
      if (run === undefined || !isReport(run.status)) continue;
      reports.count++;
      const report = `${run.attempt} ${run.status}`;
      const known = reports.byTask.get(run.task_id);
      if (known === undefined) reports.byTask.set(run.task_id, [report]);
      else known.push(report);
    }
  }
  return reports;
}

function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

function parseRun(line: string): { task_id: string; attempt: number; status: string } | undefined {
  if (!line.includes('"msg":"task run"')) return undefined;
  try {
    const { task_id, attempt, status } = JSON.parse(line.slice(line.indexOf("{"))) as Record<string, unknown>;
    if (typeof task_id !== "string" || typeof attempt !== "number" || typeof status !== "string")
      return undefined;
    return { task_id, attempt, status };
  } catch {
    return undefined;
  }
}
