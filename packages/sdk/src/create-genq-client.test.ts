import { expect, test } from "vitest";
import {
  exampleFile,
  exampleProblem,
  exampleResult,
  exampleSubmitted,
  exampleTask,
} from "../test/examples.ts";
import { startFakeApi } from "../test/fake-api.ts";
import { createGenqClient } from "./create-genq-client.ts";

const clientOf = (apiUrl: string) => createGenqClient({ apiUrl, getAccessToken: () => "token" });

test("lists are walked page by page, as far as they are read", async () => {
  await using api = await startFakeApi(
    { json: { data: [exampleFile, exampleFile], next_cursor: "two" } },
    { json: { data: [exampleFile], next_cursor: null } },
  );
  const { files } = clientOf(api.url);
  const names: string[] = [];
  for await (const file of files.list({ status: "ready", pageSize: 2 })) names.push(file.name);
  expect(names).toHaveLength(3);
  expect(api.seen.map((request) => request.url)).toEqual([
    "/files?status=ready&limit=2",
    "/files?status=ready&limit=2&cursor=two",
  ]);
});

test("an answer that breaks the contract is an error, not a surprise later", async () => {
  await using api = await startFakeApi({ json: { ...exampleFile, status: "bewitched" } });
  await expect(clientOf(api.url).files.get("1")).rejects.toMatchObject({
    code: "unexpected_answer",
    status: 200,
  });
});

test("a deletion has no body", async () => {
  await using api = await startFakeApi({ status: 204 });
  await clientOf(api.url).files.delete("a/b");
  expect([api.seen[0]?.method, api.seen[0]?.url]).toEqual(["DELETE", "/files/a%2Fb"]);
});

test("work that is done in time is answered at once", async () => {
  await using api = await startFakeApi({ json: exampleResult });
  const result = await clientOf(api.url).generate({ text: "How many?" });
  expect(result.generated_text).toBe("Forty-two [1].");
  expect(api.seen[0]?.headers).toMatchObject({ prefer: "wait=30" });
  expect(JSON.parse(String(api.seen[0]?.body))).toEqual({ text: "How many?" });
});

test("work that takes longer is waited for", async () => {
  await using api = await startFakeApi({ status: 202, json: exampleSubmitted }, { json: exampleTask });
  const result = await clientOf(api.url).generate({ text: "How many?" });
  expect(result.model).toBe("genq/mini-generator");
  expect(api.seen[1]?.url).toBe(`/task/${exampleSubmitted.id}?wait=25`);
});

test("work that failed later throws its problem", async () => {
  const failed = { ...exampleTask, status: "failed", result: null, problem: exampleProblem };
  await using api = await startFakeApi({ status: 202, json: exampleSubmitted }, { json: failed });
  await expect(clientOf(api.url).generate({ text: "How many?" })).rejects.toMatchObject({
    code: "overloaded",
  });
});

test("a wait follows the task's changes to its end", async () => {
  const queued = { ...exampleTask, status: "queued", result: null };
  const processing = { ...queued, status: "processing" };
  await using api = await startFakeApi(
    { json: queued, headers: { etag: '"1"' } },
    { status: 304, headers: { etag: '"1"' } },
    "hang up",
    { json: processing, headers: { etag: '"2"' } },
    { json: exampleTask, headers: { etag: '"3"' } },
  );
  const statuses: string[] = [];
  const task = await clientOf(api.url).tasks.wait(exampleTask.id, {
    onProgress: ({ status }) => statuses.push(status),
  });
  expect(task.status).toBe("completed");
  expect(statuses).toEqual(["queued", "processing", "completed"]);
  expect(api.seen.map((request) => request.headers["if-none-match"])).toEqual([
    undefined,
    '"1"',
    '"1"',
    '"1"',
    '"2"',
  ]);
});

test("a wait ends at its time limit", async () => {
  const queued = { ...exampleTask, status: "queued", result: null };
  await using api = await startFakeApi({ json: queued, headers: { etag: '"1"' } });
  const wait = clientOf(api.url).tasks.wait(exampleTask.id, { timeoutMs: 300 });
  await expect(wait).rejects.toMatchObject({ code: "timed_out" });
  expect(api.seen.length).toBeLessThan(6);
});

test("a POST with a key is sent again with the same key", async () => {
  await using api = await startFakeApi("hang up", { status: 202, json: exampleSubmitted });
  await clientOf(api.url).generateAsync({ text: "How many?" });
  const keys = api.seen.map((request) => request.headers["idempotency-key"]);
  expect(keys[0]).toMatch(/^[0-9a-f-]{36}$/);
  expect(keys[1]).toBe(keys[0]);
});
