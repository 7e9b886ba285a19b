import { expect, test } from "vitest";
import { findForeign, findLost, findRepeated } from "./check-history.ts";
import { byTask, findChanged, findStaleWrites } from "./check-log.ts";
import type { TaskRecord, Transition } from "./database.ts";
import { History } from "./history.ts";

const marker = `owner0x${"a".repeat(32)}`;
const task = (changes: Partial<TaskRecord> = {}): TaskRecord => ({
  id: "t1",
  user_id: "u0",
  kind: "embed",
  status: "completed",
  attempt: 1,
  file_id: null,
  payload: `{"texts": ["${marker} hello"]}`,
  result: null,
  problem_code: null,
  ...changes,
});
const byId = (...rows: TaskRecord[]) => new Map(rows.map((row) => [row.id, row]));
const accepted = () => {
  const ask = new History().add({ user: 0, kind: "embed", key: "k", marker, text: marker });
  ask.outcomes.push("accepted");
  ask.taskIds.add("t1");
  return ask;
};
/** A log from lines like "queued processing 1": from, to and attempt. */
const log = (...lines: string[]): Map<string, Transition[]> =>
  byTask(
    lines.map((line) => {
      const [from = "", to = "", attempt] = line.split(" ");
      const from_status = from === "-" ? null : from;
      return { task_id: "t1", from_status, to_status: to, attempt: Number(attempt), life: 1 };
    }),
  );
const run = (attempt: number, status: string) =>
  JSON.stringify({ level: 30, task_id: "t1", attempt, status, msg: "task run" });
const good = ["- queued 0", "queued processing 1", "processing completed 1"];

test("a good history breaks nothing", () => {
  expect(findLost([accepted()], byId(task()))).toEqual([]);
  expect(findRepeated([accepted()], [task()], [])).toEqual([]);
  expect(findForeign([task()], ["u0"])).toEqual([]);
  expect(findChanged(log(...good), byId(task()), [accepted()])).toEqual([]);
  expect(findStaleWrites(log(...good), run(1, "completed"))).toEqual({ broken: [], reports: 1 });
});

test("I1: a task that is gone or still open is lost", () => {
  expect(findLost([accepted()], byId())).toHaveLength(1);
  expect(findLost([accepted()], byId(task({ status: "processing" })))).toHaveLength(1);
});

test("I2: a terminal status that changes is found, in the log and by what a client saw", () => {
  expect(findChanged(log(...good, "completed failed 1"), byId(task({ status: "failed" })), [])).toHaveLength(
    1,
  );
  const seen = accepted();
  seen.seenStatuses.add("canceled");
  expect(findChanged(log(...good), byId(task()), [seen])).toHaveLength(1);
});

test("I4: another user's marker in a result is found", () => {
  const other = task({ result: `owner1x${"b".repeat(32)}` });
  expect(findForeign([other], ["u0", "u1"])).toHaveLength(1);
});

test("I5: a report of an attempt that was taken over is found", () => {
  const taken = log("- queued 0", "queued processing 1", "processing processing 2", "processing completed 2");
  expect(findStaleWrites(taken, run(2, "completed")).broken).toEqual([]);
  // Without the attempt in its WHERE the stale worker's update would succeed, under the row's own number.
  expect(findStaleWrites(taken, run(1, "completed")).broken).toHaveLength(1);
  expect(findStaleWrites(taken, `${run(2, "completed")}\n${run(2, "completed")}`).broken).toHaveLength(1);
});

test("I7: a second task, a second answer, a refusal after all and an open question are found", () => {
  expect(findRepeated([accepted()], [task(), task({ id: "t2" })], [])).toHaveLength(1);
  const two = accepted();
  two.taskIds.add("t2");
  expect(findRepeated([two], [task()], [])).toHaveLength(1);
  const refused = Object.assign(accepted(), { refusal: "409" });
  expect(findRepeated([refused], [task()], [])).toHaveLength(1);
  const open = accepted();
  open.outcomes.push("unknown");
  expect(findRepeated([open], [task()], [])).toHaveLength(1);
});
