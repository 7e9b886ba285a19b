import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readReports } from "./read-reports.ts";

const line = (task_id: string, attempt: number, status: string) =>
  JSON.stringify({ level: 30, task_id, attempt, status, msg: "task run" });

test("reports are read from the workers' logs, whatever a killed one left", async () => {
  const folder = await mkdtemp(join(tmpdir(), "genq-reports-"));
  const [one, other] = [join(folder, "one.log"), join(folder, "other.log")];
  await writeFile(one, `${line("t1", 1, "retried")}\nnot json\n${line("t2", 1, "lost")}\n`);
  await writeFile(
    other,
    `${line("t1", 2, "completed")}\n{"msg":"task run","task_id":"t3"}\n{"task_id":"t4","ms`,
  );
  const reports = await readReports([one, join(folder, "none.log"), other]);
  expect(reports.byTask).toEqual(new Map([["t1", ["1 retried", "2 completed"]]]));
  expect([reports.count, reports.lost]).toEqual([2, 1]);
  await rm(folder, { recursive: true });
});
