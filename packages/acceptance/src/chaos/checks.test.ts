import { expect, test } from "vitest";
import { countTakeOvers, findBrokenSteps, findDeniedReports, findStaleSteps } from "./check-steps.ts";
import { createTaskChecks } from "./check-tasks.ts";
import { findFileTrouble, findVectorTrouble } from "./check-vectors.ts";
import type { FileComparison, Step, TaskRecord } from "./database.ts";
import { Findings } from "./findings.ts";
import { type Ask, History } from "./history.ts";

const marker = `owner0x${"a".repeat(32)}`;
const foreignMarker = `owner1x${"b".repeat(32)}`;
/** A log from lines like "queued processing 1": from, to, attempt, and who wrote it, if it was a claim's holder. */
const log = (...lines: string[]): Step[] => {
  let life = 1;
  return lines.map((line) => {
    const [from = "", to = "", attempt, writer] = line.split(" ");
    if (from === "failed" && to === "queued") life++;
    const who = writer === undefined ? null : Number(writer);
    return { from: from === "-" ? null : from, to, attempt: Number(attempt), life, writer: who, at: "" };
  });
};
const good = ["- queued 0", "queued processing 1", "processing completed 1 1"];
const takenOver = ["- queued 0", "queued processing 1", "processing queued 1", "queued processing 2"];

const task = (changes: Partial<TaskRecord> = {}): TaskRecord => ({
  id: "t1",
  user_id: "u0",
  kind: "embed",
  status: "completed",
  file_name: null,
  payload: `{"texts": ["${marker} hello"]}`,
  result: null,
  problem_code: null,
  steps: log(...good),
  ...changes,
});
const accepted = (changes: Partial<Ask> = {}): Ask => ({
  ...new History().add({ user: 0, kind: "embed", key: "k", marker, text: 1 }),
  outcomes: ["accepted"],
  taskIds: ["t1"],
  ...changes,
});
/** What the checks find in a history and the rows that came of it. */
const check = (asks: Ask[], rows: TaskRecord[], reports: [string, string[]][] = []) => {
  const findings = new Findings();
  const checks = createTaskChecks({
    history: { asks },
    userIds: ["u0", "u1"],
    reports: new Map(reports),
    findings,
  });
  for (const row of rows) checks.see(row);
  checks.end();
  return (["I1", "I2", "I3", "I4", "I5", "I7", "failures", "leftovers"] as const).filter(
    (name) => findings.count(name) > 0,
  );
};

test("a good history breaks nothing", () => {
  expect(check([accepted()], [task()], [["t1", ["1 completed"]]])).toEqual([]);
  const steps = log(...takenOver, "processing completed 2 2");
  expect(check([accepted({ seen: ["completed"] })], [task({ steps })])).toEqual([]);
  expect(countTakeOvers(steps)).toBe(1);
});

test("I1: a task that is gone or still open is lost, one that its client deleted is not", () => {
  expect(check([accepted()], [])).toEqual(["I1"]);
  const open = { status: "processing", steps: log(...good.slice(0, 2)) };
  expect(check([accepted()], [task(open)])).toEqual(["I1"]);
  expect(check([accepted({ deletion: "done" })], [])).toEqual([]);
});

test("I2: a terminal status that changes is found, in the log, by what a client saw, and after a deletion", () => {
  const changed = task({ status: "canceled", steps: log(...good, "completed canceled 1") });
  expect(check([accepted()], [changed])).toEqual(["I2"]);
  expect(check([accepted({ seen: ["canceled"] })], [task()])).toEqual(["I2"]);
  expect(check([accepted()], [task({ steps: log(...good.slice(0, 2)) })])).toEqual(["I2"]);
  expect(check([accepted({ deletion: "done" })], [task()])).toEqual(["I2"]);
});

test("I2: a log with a gap, a second end, an attempt that goes back or a life nobody asked for is found", () => {
  expect(findBrokenSteps(log(...good))).toEqual([]);
  expect(findBrokenSteps(log(...good, "completed completed 1 1"))).toHaveLength(1);
  expect(findBrokenSteps(log("- queued 0", "processing completed 1 1"))).not.toEqual([]);
  expect(findBrokenSteps(log(...takenOver, "processing completed 1 1"))).toHaveLength(1);
  const secondLife = log("- queued 0", "queued processing 1", "processing failed 1 1", "failed queued 1");
  expect(findBrokenSteps(secondLife)).toEqual([]);
  const steps = [...secondLife, ...log("queued canceled 1").map((step) => ({ ...step, life: 2 }))];
  const unasked = task({ status: "canceled", steps });
  expect(check([accepted()], [unasked])).toEqual(["I2"]);
  expect(check([accepted({ retries: 1, seen: ["failed"] })], [unasked])).toEqual([]);
});

test("I3: a chunk or vector that is missing, twice, or another one is found", () => {
  const file: FileComparison = {
    id: "f1",
    status: "ready",
    twin_id: "f2",
    chunks: 3,
    twin_chunks: 3,
    other_chunks: 0,
    odd_vectors: 0,
    distance: 1e-6,
  };
  expect(findFileTrouble(file)).toBeUndefined();
  for (const wrong of [
    { twin_id: null },
    { chunks: 2 },
    { chunks: 4 },
    { other_chunks: 1 },
    { odd_vectors: 1 },
    { distance: 0.1 },
    { distance: null },
  ]) {
    expect(findFileTrouble({ ...file, ...wrong })).toBeDefined();
  }
  expect(findVectorTrouble([[0.5, 0.5]], [0.5, 0.5])).toBeUndefined();
  for (const wrong of [
    [],
    [[0.5]],
    [[0.5, 0.6]],
    [
      [0.5, 0.5],
      [0.5, 0.5],
    ],
  ]) {
    expect(findVectorTrouble(wrong, [0.5, 0.5])).toBeDefined();
  }
});

test("I4: another user's marker, or a task of who did not ask for it, is found", () => {
  expect(check([accepted()], [task({ result: foreignMarker })])).toEqual(["I4"]);
  expect(check([accepted()], [task({ user_id: "u1" })])).toEqual(["I4"]);
});

test("I5: a write of an attempt that was taken over, given up, or that is nobody's is found", () => {
  expect(findStaleSteps(log(...takenOver, "processing completed 2 2"))).toEqual([]);
  // Without the attempt in its WHERE the stale worker's update would succeed, under the row's own number.
  expect(findStaleSteps(log(...takenOver, "processing completed 2 1"))).toHaveLength(1);
  expect(findStaleSteps(log(...takenOver.slice(0, 3), "queued completed 1 1"))).toHaveLength(1);
  expect(findStaleSteps(log(...good.slice(0, 2), "processing completed 1"))).toHaveLength(1);
  const stale = task({ steps: log(...takenOver, "processing completed 2 1") });
  expect(check([accepted()], [stale])).toEqual(["I5"]);
});

test("I5: a report that a worker believes in, and that the log does not have, is found", () => {
  const steps = log(...takenOver, "processing completed 2 2");
  expect(findDeniedReports(steps, ["2 completed"])).toEqual([]);
  expect(findDeniedReports(steps, ["1 completed"])).toHaveLength(1);
  expect(findDeniedReports(steps, ["2 completed", "2 completed"])).toHaveLength(1);
  expect(check([accepted()], [task({ steps })], [["t1", ["1 completed", "2 completed"]]])).toEqual(["I5"]);
});

test("I7: a second task, a second answer, a refusal after all and an open question are found", () => {
  expect(check([accepted()], [task(), task({ id: "t2" })])).toEqual(["I7"]);
  expect(check([accepted({ taskIds: ["t1", "t2"] })], [task()])).toEqual(["I7"]);
  expect(check([accepted({ refusal: "409" })], [task()])).toEqual(["I7"]);
  expect(check([accepted({ outcomes: ["accepted", "unknown"] })], [task()])).toEqual(["I7"]);
  expect(check([], [task()])).toEqual(["I7"]);
});

test("a failure that is not its user's doing is found", () => {
  const steps = log(...good.slice(0, 2), "processing failed 1 1");
  const failed = { status: "failed", steps };
  expect(check([accepted()], [task({ ...failed, problem_code: "storage_unavailable" })])).toEqual([
    "failures",
  ]);
  expect(check([accepted()], [task({ ...failed, problem_code: "poisoned" })])).toEqual([]);
  const own = accepted({ kind: "unreadable" });
  expect(check([own], [task({ ...failed, problem_code: "document_no_text" })])).toEqual([]);
});
