import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { signUp } from "../stack/sign-up.ts";
import { at, type CallOptions, call, textAt } from "../testing/call.ts";
import { closeConnections } from "../testing/close-connections.ts";
import { type Caller, pollTask, uploadReady } from "../testing/main-job.ts";
import { sharedStack } from "../testing/stack.ts";

const { apiUrl, supabaseUrl, publishableKey } = sharedStack();
let owner: Caller;
let stranger: Caller;
let fileId: string;
let taskId: string;

beforeAll(async () => {
  owner = { apiUrl, token: (await signUp(supabaseUrl, publishableKey)).token };
  stranger = { apiUrl, token: (await signUp(supabaseUrl, publishableKey)).token };
  fileId = await uploadReady(owner, new Blob(["The treasure lies under the old lighthouse."]), "secret.txt");
  const json = { text: "Where is the treasure?", max_new_tokens: 4 };
  taskId = textAt((await call(`${apiUrl}/generate-async`, "POST", { token: owner.token, json })).json, "id");
  await pollTask(owner, taskId);
});
afterAll(closeConnections);

/** Status and bytes of an answer; the request's id, which the client picks here, is the same in all of them. */
async function see(
  method: string,
  path: string,
  options: CallOptions = {},
): Promise<{ status: number; text: string }> {
  const headers = { "x-request-id": "the-same-for-all" };
  const { status, text } = await call(apiUrl + path, method, { ...options, token: stranger.token, headers });
  return { status, text };
}

const onFiles = [
  ["GET", ""],
  ["GET", "/content"],
  ["DELETE", ""],
] as const;
const onTasks = [
  ["GET", ""],
  ["GET", "/events"],
  ["POST", "/cancel"],
  ["POST", "/retry"],
  ["DELETE", ""],
] as const;

test.each(onFiles)("another user's file does not exist: %s /files/{id}%s", async (method, rest) => {
  const foreign = await see(method, `/files/${fileId}${rest}`);
  expect(foreign.status).toBe(404);
  expect(foreign).toEqual(await see(method, `/files/${randomUUID()}${rest}`));
});

test.each(onTasks)("another user's task does not exist: %s /task/{id}%s", async (method, rest) => {
  const foreign = await see(method, `/task/${taskId}${rest}`);
  expect(foreign.status).toBe(404);
  expect(foreign).toEqual(await see(method, `/task/${randomUUID()}${rest}`));
});

test.each(["/search", "/generate"])("another user's file_ids do not exist: POST %s", async (path) => {
  const ask = (id: string) =>
    see("POST", path, {
      json:
        path === "/search" ? { query: "treasure", file_ids: [id] } : { text: "treasure?", file_ids: [id] },
    });
  const foreign = await ask(fileId);
  expect(foreign.status).toBe(404);
  expect(foreign).toEqual(await ask(randomUUID()));
});

test("nothing of another user's is listed or found", async () => {
  const search = await see("POST", "/search", { json: { query: "Where is the treasure?", k: 100 } });
  expect([search.status, at(JSON.parse(search.text), "results")]).toEqual([200, []]);
  expect(JSON.parse((await see("GET", "/files")).text)).toMatchObject({ data: [] });
  expect((await see("GET", "/tasks")).text).not.toContain(taskId);
});

test("the owner still has everything", async () => {
  expect((await call(`${apiUrl}/files/${fileId}`, "GET", { token: owner.token })).status).toBe(200);
  expect((await call(`${apiUrl}/task/${taskId}`, "GET", { token: owner.token })).status).toBe(200);
});

test("Supabase itself shows a user nothing of genq's tables or objects", async () => {
  const { supabase } = await signUp(supabaseUrl, publishableKey);
  const { data: objects } = await supabase.storage.from("genq").list();
  expect(objects ?? []).toEqual([]);
  for (const table of ["files", "chunks", "embeddings", "tasks"]) {
    const { data } = await supabase.schema("genq").from(table).select("*");
    expect(data ?? []).toEqual([]);
  }
});
