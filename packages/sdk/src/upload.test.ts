import { expect, test } from "vitest";
import { exampleFile, exampleProblem, exampleSubmitted } from "../test/examples.ts";
import { type SeenRequest, startFakeApi } from "../test/fake-api.ts";
import { createGenqClient } from "./create-genq-client.ts";

const accepted = {
  status: 202,
  json: { file: exampleFile, task: { ...exampleSubmitted, kind: "ingest" }, deduplicated: false },
};
const clientOf = (apiUrl: string) => createGenqClient({ apiUrl, getAccessToken: () => "token" });

/** Reads the multipart body back by the platform's own parser. */
function formOf(request: SeenRequest | undefined): Promise<FormData> {
  const headers = { "content-type": String(request?.headers["content-type"]) };
  return new Response(new Uint8Array(request?.body ?? []), { headers }).formData();
}

test("a Blob arrives whole, with fields, a Content-Length and an idempotency key", async () => {
  await using api = await startFakeApi(accepted);
  const file = new Blob(["hello"], { type: "text/plain" });
  const result = await clientOf(api.url).upload(file, {
    name: 'a "b"\r\nあ.txt',
    chatId: "c1",
    replace: true,
  });
  expect(result.file.id).toBe(exampleFile.id);
  const form = await formOf(api.seen[0]);
  expect([form.get("chat_id"), form.get("replace")]).toEqual(["c1", "true"]);
  const sent = form.get("file");
  if (!(sent instanceof File)) throw new TypeError("no file part");
  expect(sent.name).toBe('a "b"\r\nあ.txt');
  expect([sent.type, await sent.text()]).toEqual(["text/plain", "hello"]);
  expect(api.seen[0]?.headers["content-length"]).toBe(String(api.seen[0]?.body.length));
  expect(api.seen[0]?.headers["idempotency-key"]).toMatch(/^[0-9a-f-]{36}$/);
});

test("progress counts the file's bytes up to all of them", async () => {
  await using api = await startFakeApi(accepted);
  const bytes = new Uint8Array(1_000_000).fill(65);
  const progress: (number | null)[][] = [];
  await clientOf(api.url).upload(bytes, {
    name: "a.txt",
    onProgress: ({ sentBytes, totalBytes }) => progress.push([sentBytes, totalBytes]),
  });
  expect(progress.length).toBeGreaterThan(2);
  expect(progress.at(-1)).toEqual([1_000_000, 1_000_000]);
  const sent = (await formOf(api.seen[0])).get("file");
  expect(sent instanceof File && sent.size).toBe(1_000_000);
});

test("a stream of unknown size is sent once, without a retry", async () => {
  await using api = await startFakeApi({ status: 503, json: exampleProblem });
  const stream = new Blob(["hello"]).stream();
  await expect(clientOf(api.url).upload(stream, { name: "a.txt" })).rejects.toMatchObject({ status: 503 });
  expect(api.seen).toHaveLength(1);
  const sent = (await formOf(api.seen[0])).get("file");
  expect(sent instanceof File && (await sent.text())).toBe("hello");
});

test("a Blob is sent again with the same key, after a broken connection", async () => {
  await using api = await startFakeApi("hang up", accepted);
  await clientOf(api.url).upload(new File(["hello"], "named.txt"), { onProgress: () => undefined });
  expect(new Set(api.seen.map((request) => request.headers["idempotency-key"])).size).toBe(1);
  const sent = (await formOf(api.seen[1])).get("file");
  expect(sent instanceof File && [sent.name, await sent.text()]).toEqual(["named.txt", "hello"]);
});

test("an abort in mid-upload stops it", async () => {
  await using api = await startFakeApi(accepted);
  const controller = new AbortController();
  const endless = new ReadableStream<Uint8Array>({
    pull: (stream) => stream.enqueue(new Uint8Array(65_536)),
  });
  const upload = clientOf(api.url).upload(endless, {
    name: "a.txt",
    signal: controller.signal,
    onProgress: ({ sentBytes }) => sentBytes > 1_000_000 && controller.abort(new Error("enough")),
  });
  await expect(upload).rejects.toThrow("enough");
});
