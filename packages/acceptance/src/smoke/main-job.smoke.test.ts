import { openAsBlob } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { signUp } from "../stack/sign-up.ts";
import { at, call, textAt } from "../testing/call.ts";
import { closeConnections } from "../testing/close-connections.ts";
import { type Caller, pollTask, upload, uploadReady } from "../testing/main-job.ts";
import { sharedStack } from "../testing/stack.ts";

const { apiUrl, supabaseUrl, publishableKey } = sharedStack();
const sample = (name: string) => openAsBlob(new URL(`../demo/samples/${name}`, import.meta.url));

let me: Caller;
beforeAll(async () => {
  me = { apiUrl, token: (await signUp(supabaseUrl, publishableKey)).token };
});
afterAll(closeConnections);

test("a PDF goes in, becomes searchable, and a question about it is answered with the right page", async () => {
  const handbook = await sample("handbook.pdf");
  const uploaded = await upload(me, handbook, "handbook.pdf");
  expect(uploaded.status, uploaded.text).toBe(202);
  expect(uploaded.json).toMatchObject({
    deduplicated: false,
    file: { name: "handbook.pdf", media_type: "application/pdf", size_bytes: handbook.size },
    task: { kind: "ingest" },
  });
  const fileId = textAt(uploaded.json, "file", "id");
  const ingested = await pollTask(me, textAt(uploaded.json, "task", "id"));
  expect(ingested).toMatchObject({
    status: "completed",
    result: { status: "ready", pages: 6, failed_pages: [] },
  });

  const file = await call(`${apiUrl}/files/${fileId}`, "GET", { token: me.token });
  expect(file.json).toMatchObject({ status: "ready", pages: { done: 6, total: 6, failed: [] } });

  const question = "How do I reset the logger?";
  const found = await call(`${apiUrl}/search`, "POST", { token: me.token, json: { query: question, k: 3 } });
  expect(found.status, found.text).toBe(200);
  const results = at(found.json, "results");
  expect(results).toHaveLength(3);
  expect(results).toContainEqual(expect.objectContaining({ file_id: fileId, page: 5 }));

  const json = { text: question, file_ids: [fileId], max_new_tokens: 64, temperature: 0 };
  const asked = await call(`${apiUrl}/generate-async`, "POST", { token: me.token, json });
  expect(asked.status, asked.text).toBe(202);
  const id = textAt(asked.json, "id");
  expect(asked.headers.get("location")).toBe(`/task/${id}`);
  expect(Number(asked.headers.get("retry-after"))).toBeGreaterThan(0);
  expect(asked.json).toMatchObject({
    task_id: id,
    urls: { self: `/task/${id}` },
    queue: { position: expect.any(Number) },
  });

  const answered = await pollTask(me, id);
  expect(answered).toMatchObject({
    status: "completed",
    result: {
      generated_text: expect.stringMatching(/\S/),
      finish_reason: expect.stringMatching(/^(stop|length)$/),
      usage: { prompt_tokens: expect.any(Number), completion_tokens: expect.any(Number) },
    },
  });
  expect(at(answered, "result", "citations")).toContainEqual(
    expect.objectContaining({ file_id: fileId, page: 5, text: expect.stringContaining("magnet") }),
  );
});

test("a Japanese text is found by a Japanese question", async () => {
  const fileId = await uploadReady(me, await sample("kaisetsu.txt"), "霧浜町の解説.txt");
  const json = { query: "渡し船の大人の運賃はいくらですか", k: 3, file_ids: [fileId] };
  const found = await call(`${apiUrl}/search`, "POST", { token: me.token, json });
  expect(found.status, found.text).toBe(200);
  const texts = JSON.stringify(at(found.json, "results"));
  expect(texts).toContain("大人二百円");
  expect(at(found.json, "results", 0)).toMatchObject({ file_name: "霧浜町の解説.txt", page: null });
});

test("the same bytes again are the existing file; another content under its name is a conflict, or takes its place", async () => {
  const content = (text: string) => new Blob([text], { type: "text/plain" });
  const first = await upload(me, content("The spare key hangs behind the blue door."), "keys.txt");
  const id = textAt(first.json, "file", "id");
  await pollTask(me, textAt(first.json, "task", "id"));
  const again = await upload(me, content("The spare key hangs behind the blue door."), "copy.txt");
  expect(again.json).toMatchObject({ deduplicated: true, file: { id, name: "keys.txt" } });
  const other = content("The spare key lies under the third stone.");
  const conflict = await upload(me, other, "keys.txt");
  expect([conflict.status, at(conflict.json, "code")]).toEqual([409, "file_name_taken"]);
  const replaced = await upload(me, other, "keys.txt", { replace: "true" });
  expect(replaced.status, replaced.text).toBe(202);
  await pollTask(me, textAt(replaced.json, "task", "id"));
  const search = { query: "Where is the spare key?", k: 10 };
  const { text } = await call(`${apiUrl}/search`, "POST", { token: me.token, json: search });
  expect(text).toContain("third stone");
  expect(text).not.toContain("blue door");
});

test("what is deleted is never found again", async () => {
  const content = new Blob(["The password of the boathouse is xylophone."]);
  const id = await uploadReady(me, content, "boathouse.txt");
  const url = `${apiUrl}/files/${id}`;
  const signed = await call(`${url}/content`, "GET", { token: me.token });
  expect((await call(textAt(signed.json, "url"), "GET")).text).toBe(await content.text());
  expect((await call(url, "DELETE", { token: me.token })).status).toBe(204);
  expect((await call(url, "GET", { token: me.token })).status).toBe(404);
  const search = { query: "password of the boathouse xylophone", k: 100 };
  const { text } = await call(`${apiUrl}/search`, "POST", { token: me.token, json: search });
  expect(text).not.toContain("xylophone");
});

test("the same idempotency key does the work once", async () => {
  const key = { "idempotency-key": crypto.randomUUID() };
  const ask = (text: string) =>
    call(`${apiUrl}/generate-async`, "POST", {
      token: me.token,
      headers: key,
      json: { text, max_new_tokens: 4 },
    });
  const [first, second] = await Promise.all([ask("One"), ask("One")]);
  expect(textAt(second.json, "id")).toBe(textAt(first.json, "id"));
  const other = await ask("Two");
  expect([other.status, at(other.json, "code")]).toEqual([422, "idempotency_mismatch"]);
});

test("temperature 0 and a given seed are deterministic", async () => {
  const ask = async (settings: object) => {
    const json = { text: "Tell me of the sea.", max_new_tokens: 12, ...settings };
    const { json: answer, text } = await call(`${apiUrl}/generate`, "POST", { token: me.token, json });
    return textAt(answer ?? { text }, "generated_text");
  };
  expect(await ask({ temperature: 0 })).toBe(await ask({ temperature: 0 }));
  expect(await ask({ temperature: 1.5, seed: 7 })).toBe(await ask({ temperature: 1.5, seed: 7 }));
});
