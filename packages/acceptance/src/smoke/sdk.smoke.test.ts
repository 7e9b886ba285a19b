import { createGenqClient, GenqError, type Task } from "@genq/sdk";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makePdf } from "../documents/make-pdf.ts";
import { codeOfPage } from "../documents/random-words.ts";
import { signUp } from "../stack/sign-up.ts";
import { closeConnections } from "../testing/close-connections.ts";
import { sharedStack } from "../testing/stack.ts";

const { apiUrl, supabaseUrl, publishableKey, edition } = sharedStack();
let token = "";
const genq = createGenqClient({ apiUrl, getAccessToken: () => token });

beforeAll(async () => {
  token = (await signUp(supabaseUrl, publishableKey)).token;
});
afterAll(closeConnections);

test("health and config need no token", async () => {
  expect(await genq.health()).toMatchObject({ status: "ok", edition, model_loaded: true });
  expect(await genq.config()).toMatchObject({
    supabase_url: supabaseUrl,
    supabase_publishable_key: publishableKey,
  });
});

test("the main job, with progress at every step", async () => {
  const pdf = new Blob([new Uint8Array(await makePdf(12))], { type: "application/pdf" });
  const sent: number[] = [];
  const { file, task } = await genq.upload(pdf, {
    name: "codes.pdf",
    chatId: "chat-1",
    onProgress: ({ sentBytes }) => sent.push(sentBytes),
  });
  expect(sent.at(-1)).toBe(pdf.size);
  const seen: Task[] = [];
  const done = await genq.tasks.wait(task?.id ?? "", { onProgress: (state) => seen.push(state) });
  expect(done, JSON.stringify(done.problem)).toMatchObject({ status: "completed", kind: "ingest" });
  expect(seen.at(-1)?.status).toBe("completed");

  const { results } = await genq.search({
    query: `Which page has the code ${codeOfPage(7)}?`,
    k: 3,
    file_ids: [file.id],
  });
  expect(results.map((result) => result.page)).toContain(7);
  const answer = await genq.generate({
    text: `What is the code of page 7?`,
    file_ids: [file.id],
    max_new_tokens: 16,
  });
  expect(answer.citations.length).toBeGreaterThan(0);
  const submitted = await genq.generateAsync({ text: "Hello", max_new_tokens: 4 });
  expect(await genq.tasks.wait(submitted.id)).toMatchObject({ kind: "generate", status: "completed" });
  expect((await genq.files.contentUrl(file.id)).url).toContain("http");
});

test("texts become vectors of unit length", async () => {
  const { embeddings, dimensions } = await genq.embed({ texts: ["sea", "海"], kind: "query" });
  expect(embeddings.map((vector) => vector.length)).toEqual([dimensions, dimensions]);
  for (const vector of embeddings) expect(Math.hypot(...vector)).toBeCloseTo(1, 3);
  const { id } = await genq.embedAsync({ texts: Array.from({ length: 40 }, (_, index) => `text ${index}`) });
  const task = await genq.tasks.wait(id);
  expect(task.kind === "embed" && task.result?.embeddings).toHaveLength(40);
});

test("lists walk over pages, newest first, and filter", async () => {
  for (const name of ["a.txt", "b.txt", "c.txt"])
    await genq.upload(new Blob([`This is ${name}.`]), { name, chatId: "chat-2" });
  const names: string[] = [];
  for await (const file of genq.files.list({ chatId: "chat-2", pageSize: 2 })) names.push(file.name);
  expect(names).toEqual(["c.txt", "b.txt", "a.txt"]);
  const kinds = new Set<string>();
  for await (const task of genq.tasks.list({ kind: "embed", pageSize: 1 })) kinds.add(task.kind);
  expect([...kinds]).toEqual(["embed"]);
});

test("a task can be canceled, and deleted when it has ended", async () => {
  const { id } = await genq.generateAsync({ text: "Tell me everything.", max_new_tokens: 4000 });
  expect(["canceled", "completed"]).toContain((await genq.tasks.cancel(id)).status);
  await genq.tasks.wait(id);
  await expect(genq.tasks.retry(id)).rejects.toMatchObject({ code: "task_not_retryable" });
  await genq.tasks.delete(id);
  await expect(genq.tasks.get(id)).rejects.toBeInstanceOf(GenqError);
});
