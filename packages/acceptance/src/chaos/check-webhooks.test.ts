import { createHmac } from "node:crypto";
import { expect, test } from "vitest";
import { createWebhookChecks } from "./check-webhooks.ts";
import type { TaskRecord } from "./database.ts";
import { Findings } from "./findings.ts";
import { type Ask, History } from "./history.ts";
import { note, type ReceivedEvent } from "./webhook-receiver.ts";

const secret = `whsec_${Buffer.from("0123456789abcdef").toString("base64")}`;
const task: TaskRecord = {
  id: "t1",
  user_id: "u0",
  kind: "embed",
  status: "completed",
  file_name: null,
  payload: "{}",
  result: null,
  problem_code: null,
  steps: [
    { from: null, to: "queued", attempt: 0, life: 1, writer: null, at: "" },
    { from: "queued", to: "processing", attempt: 1, life: 1, writer: null, at: "" },
    { from: "processing", to: "completed", attempt: 1, life: 1, writer: 1, at: "" },
  ],
};
const ask: Ask = {
  ...new History().add({ user: 0, kind: "embed", key: "k", marker: "m", text: 1 }),
  taskIds: ["t1"],
};
const event: ReceivedEvent = {
  id: "e1",
  user: 0,
  taskId: "t1",
  type: "task.completed",
  finishedAt: "2026-01-01T00:00:00.000Z",
  came: 1,
  heard: 1,
};
const check = (events: ReceivedEvent[], rows = [task], asks = [ask], strangers: string[] = []) => {
  const findings = new Findings();
  const received = { events: new Map(events.map((one) => [one.id, one])), strangers };
  const checks = createWebhookChecks(received, ["u0", "u1"], findings);
  for (const row of rows) checks.see(row);
  checks.end(asks);
  return (["I4", "I6"] as const).filter((name) => findings.count(name) > 0);
};

test("I6: an event that came once, or again under its id, breaks nothing", () => {
  expect(check([event])).toEqual([]);
  expect(check([{ ...event, came: 3, heard: 2 }])).toEqual([]);
  expect(check([event], [], [{ ...ask, deletion: "done" }])).toEqual([]);
});

test("I6: an event that never came, under two ids, of another end, or of no task is found", () => {
  expect(check([])).toEqual(["I6"]);
  expect(check([{ ...event, heard: 0 }])).toEqual(["I6"]);
  expect(check([event, { ...event, id: "e2" }])).toEqual(["I6"]);
  expect(check([event, { ...event, id: "e2", type: "task.failed" }])).toEqual(["I6"]);
  expect(check([event, { ...event, id: "e2", taskId: "t2" }])).toEqual(["I6"]);
  expect(check([{ ...event, trouble: "its signature is not valid" }])).toEqual(["I6"]);
  expect(check([event], [task], [ask], ["to user 0: hello"])).toEqual(["I6"]);
  expect(check([], [], [{ ...ask, deletion: "done" }])).toEqual(["I6"]);
});

test("I4: an event that came to another user is found", () => {
  expect(check([{ ...event, user: 1 }])).toEqual(["I4"]);
  expect(check([{ ...event, user: 1 }], [], [{ ...ask, deletion: "done" }])).toEqual(["I4"]);
});

test("the receiver knows a forged, an old and a reused message", () => {
  const known = { events: new Map<string, ReceivedEvent>(), strangers: [], secrets: new Map([[0, secret]]) };
  const message = (id: string, changes: { taskId?: string; timestamp?: number; key?: string } = {}) => {
    const { taskId = "t1", timestamp = Math.floor(Date.now() / 1000), key = secret } = changes;
    const body = JSON.stringify({ type: "task.completed", data: { id: taskId, finished_at: "now" } });
    const hmac = createHmac("sha256", Buffer.from(key.slice("whsec_".length), "base64"));
    const signature = `v1,${hmac.update(`${id}.${timestamp}.${body}`).digest("base64")}`;
    return { user: 0, body, headers: { id, timestamp: String(timestamp), signature } };
  };
  expect(note(message("e1"), known)).toMatchObject({ id: "e1", came: 1 });
  expect(note(message("e1"), known)).toMatchObject({ came: 2 });
  expect(note(message("e1"), known)?.trouble).toBeUndefined();
  expect(note(message("e1", { taskId: "t2" }), known)?.trouble).toContain("its id came");
  expect(note(message("e2", { timestamp: 1 }), known)?.trouble).toContain("signature");
  expect(note(message("e3", { key: `whsec_${"A".repeat(32)}` }), known)?.trouble).toContain("signature");
  expect(note({ ...message("e4"), body: "hello" }, known)).toBeUndefined();
  expect(known.strangers).toHaveLength(1);
});
