import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { createProblem, submittedTaskSchema, type Task, taskPageSchema, taskSchema } from "@genq/contract";
import { openTestStack } from "@genq/core/testing";
import { afterAll, describe, expect, it } from "vitest";
import { exampleAnswer, openTestApi, readProblem, type TestUser } from "./open-test-api.ts";

const stack = await openTestStack({ supabase: true });
const api = await openTestApi(stack);
afterAll(() => api.close());
const user = await api.signUp();

async function readTask(response: Response): Promise<Task> {
  expect(response.status).toBe(200);
  return taskSchema.parse(await response.json());
}

describe("submitting", () => {
  it("answers 202 with where to look and when", async () => {
    const response = await user.call("POST", "/generate-async", { json: { text: "hello", max_length: 5 } });
    expect(response.status).toBe(202);
    const task = submittedTaskSchema.parse(await response.json());
    expect(task).toMatchObject({ id: task.task_id, kind: "generate", status: "queued" });
    expect(response.headers.get("location")).toBe(`/task/${task.id}`);
    expect(Number(response.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
    expect(task.urls).toEqual({
      self: `/task/${task.id}`,
      cancel: `/task/${task.id}/cancel`,
      events: `/task/${task.id}/events`,
    });
  });

  it.each([
    ["/generate", { text: "a" }],
    ["/embed", { texts: ["a"] }],
    ["/search", { query: "a" }],
  ])("%s answers 202 when the work takes longer than is waited", async (path, json) => {
    const response = await user.call("POST", path, { json, headers: { prefer: "wait=1" } });
    expect(response.status).toBe(202);
    expect(response.headers.get("preference-applied")).toBe("wait=1");
  });

  it("answers with the result alone when it is there in time", async () => {
    const key = randomUUID();
    const waiter = await api.signUp();
    const waiting = waiter.call("POST", "/generate", {
      json: { text: "wait for me" },
      headers: { "idempotency-key": key },
    });
    const { id } = await onlyTask(waiter);
    await api.worker.complete(id, exampleAnswer);
    const response = await waiting;
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual(exampleAnswer);
    expect(response.headers.get("location")).toBe(`/task/${id}`);
    const again = await waiter.call("POST", "/generate", {
      json: { text: "wait for me" },
      headers: { "idempotency-key": key },
    });
    expect(again.headers.get("idempotency-replayed")).toBe("true");
    expect([again.status, await again.json()]).toEqual([200, exampleAnswer]);
  });

  it("answers with the problem of work that failed while it was waited for", async () => {
    const waiter = await api.signUp();
    const waiting = waiter.call("POST", "/generate", { json: { text: "fail" } });
    const { id } = await onlyTask(waiter);
    await api.worker.fail(id, createProblem("inference_timeout", "The model took too long."));
    const response = await waiting;
    expect(response.status).toBe(504);
    expect(await readProblem(response)).toMatchObject({ code: "inference_timeout" });
  });

  it("does not wait for many texts unless it is asked to", async () => {
    const json = { texts: Array.from({ length: 33 }, (_, n) => `text ${n}`) };
    const start = Date.now();
    expect((await user.call("POST", "/embed", { json })).status).toBe(202);
    expect(Date.now() - start).toBeLessThan(2000);
  });

  it("refuses files that are not the caller's, at once and alike", async () => {
    const other = await api.signUp();
    const fileId = await uploadText(other, "secret.txt", "somebody else's text");
    const ask = async (file: string) => {
      const response = await user.call("POST", "/generate-async", { json: { text: "a", file_ids: [file] } });
      const { request_id: _id, ...problem } = await readProblem(response);
      return problem;
    };
    const foreign = await ask(fileId);
    expect(foreign).toMatchObject({ status: 404, code: "not_found" });
    expect(await ask(randomUUID())).toEqual(foreign);
    const notReady = await other.call("POST", "/search", { json: { query: "a", file_ids: [fileId] } });
    expect(await readProblem(notReady)).toMatchObject({ status: 409, code: "file_not_ready" });
    expect(notReady.headers.get("retry-after")).toBe("2");
  });
});

describe("an Idempotency-Key", () => {
  const submit = (json: object, key: string, path = "/generate-async") =>
    user.call("POST", path, { json, headers: { "idempotency-key": key } });

  it("gives who did not wait the same answer again when the work is done", async () => {
    const key = randomUUID();
    const { id } = submittedTaskSchema.parse(await (await submit({ text: "done by then" }, key)).json());
    await api.worker.complete(id, exampleAnswer);
    const again = await submit({ text: "done by then" }, key);
    expect(again.status).toBe(202);
    expect(submittedTaskSchema.parse(await again.json())).toMatchObject({ id, status: "completed" });
  });

  it("does the work once, whatever the order of the body's fields", async () => {
    const key = randomUUID();
    const first = await submit({ text: "once", seed: 1 }, key);
    const second = await submit({ seed: 1, text: "once" }, key);
    expect([first.status, second.status]).toEqual([202, 202]);
    expect(first.headers.get("idempotency-replayed")).toBeNull();
    expect(second.headers.get("idempotency-replayed")).toBe("true");
    const [one, two] = [await first.json(), await second.json()].map((body) =>
      submittedTaskSchema.parse(body),
    );
    expect(two?.id).toBe(one?.id);
  });

  it("is refused with another body, another route, and taken for another user", async () => {
    const key = randomUUID();
    expect((await submit({ text: "a" }, key)).status).toBe(202);
    expect((await readProblem(await submit({ text: "b" }, key))).code).toBe("idempotency_mismatch");
    expect((await readProblem(await submit({ text: "a" }, key, "/generate"))).code).toBe(
      "idempotency_mismatch",
    );
    const other = await api.signUp();
    const headers = { "idempotency-key": key };
    expect((await other.call("POST", "/generate-async", { json: { text: "b" }, headers })).status).toBe(202);
  });
});

describe("reading", () => {
  it("waits until the task is finished", async () => {
    const { id } = await user.submit();
    const start = Date.now();
    const waiting = user.call("GET", `/task/${id}?wait=20`);
    await sleep(300);
    await api.worker.complete(id, exampleAnswer);
    expect(await readTask(await waiting)).toMatchObject({ status: "completed", result: exampleAnswer });
    expect(Date.now() - start).toBeLessThan(5000);
  });

  it("gives the task as it is when the time is over", async () => {
    const { id } = await user.submit();
    const response = await user.call("GET", `/task/${id}?wait=0.3`);
    expect(response.headers.get("retry-after")).toBe("1");
    expect(await readTask(response)).toMatchObject({ status: "queued" });
  });

  it("answers 304 to who holds it, and waits for a change of it", async () => {
    const { id } = await user.submit();
    const etag = (await user.call("GET", `/task/${id}`)).headers.get("etag") ?? "";
    const headers = { "if-none-match": etag };
    const same = await user.call("GET", `/task/${id}`, { headers });
    expect([same.status, await same.text(), same.headers.get("etag")]).toEqual([304, "", etag]);
    expect((await user.call("GET", `/task/${id}?wait=0.2`, { headers })).status).toBe(304);
    const waiting = user.call("GET", `/task/${id}?wait=20`, { headers });
    await sleep(100);
    await api.worker.claim(id);
    expect(await readTask(await waiting)).toMatchObject({ status: "processing" });
    expect(await readTask(await user.call("GET", `/task/${id}?wait=20`, { headers }))).toMatchObject({
      status: "processing",
    });
  });

  it("follows a task by events until it is finished", async () => {
    const { id } = await user.submit();
    const response = await user.call("GET", `/task/${id}/events`);
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    const text = response.text();
    await sleep(200);
    await api.worker.complete(id, exampleAnswer);
    const events = [...(await text).matchAll(/^data: (.*)$/gm)].map(([, data]) =>
      taskSchema.parse(JSON.parse(data ?? "")),
    );
    expect(events[0]?.status).toBe("queued");
    expect(events.at(-1)?.status).toBe("completed");
  });

  it("lists tasks by pages, status and kind", async () => {
    const lister = await api.signUp();
    const made = [];
    for (let n = 0; n < 5; n++) made.push((await lister.submit()).id);
    await lister.call("POST", "/embed-async", { json: { texts: ["a"] } });
    await lister.call("POST", `/task/${made[0]}/cancel`);
    const list = async (query: string) =>
      taskPageSchema.parse(await (await lister.call("GET", `/tasks?${query}`)).json());
    const seen: string[] = [];
    for (let cursor: string | null = ""; cursor !== null; ) {
      const page = await list(`kind=generate&limit=2${cursor === "" ? "" : `&cursor=${cursor}`}`);
      seen.push(...page.data.map(({ id }) => id));
      cursor = page.next_cursor;
    }
    expect(seen).toEqual(made.toReversed());
    expect((await list("status=canceled")).data.map(({ id }) => id)).toEqual([made[0]]);
    expect((await list("kind=embed")).data).toHaveLength(1);
    await api.worker.complete(made[1] ?? "", exampleAnswer);
    expect((await list("status=completed")).data).toMatchObject([{ id: made[1], result: null }]);
  });
});

describe("changing", () => {
  it("cancels, again and again", async () => {
    const { id } = await user.submit();
    for (let n = 0; n < 3; n++) {
      const task = await readTask(await user.call("POST", `/task/${id}/cancel`));
      expect(task.status).toBe("canceled");
    }
    const done = await user.submit();
    await api.worker.complete(done.id, exampleAnswer);
    expect((await readTask(await user.call("POST", `/task/${done.id}/cancel`))).status).toBe("completed");
  });

  it("retries failed work only, once with a key", async () => {
    const { id } = await user.submit();
    expect((await readProblem(await user.call("POST", `/task/${id}/retry`))).code).toBe("task_not_retryable");
    await api.worker.fail(id, createProblem("model_crashed", "The model process died."));
    const headers = { "idempotency-key": randomUUID() };
    for (const replayed of [null, "true"]) {
      const response = await user.call("POST", `/task/${id}/retry`, { headers });
      expect([response.status, response.headers.get("idempotency-replayed")]).toEqual([202, replayed]);
    }
    expect(await readTask(await user.call("GET", `/task/${id}`))).toMatchObject({
      status: "queued",
      problem: null,
    });
  });

  it("deletes finished work only", async () => {
    const { id } = await user.submit();
    expect((await readProblem(await user.call("DELETE", `/task/${id}`))).code).toBe("task_not_finished");
    await user.call("POST", `/task/${id}/cancel`);
    expect((await user.call("DELETE", `/task/${id}`)).status).toBe(204);
    expect((await user.call("GET", `/task/${id}`)).status).toBe(404);
  });
});

/** The task that a request still waits for. */
async function onlyTask(of: TestUser): Promise<Task> {
  const list = async () => taskPageSchema.parse(await (await of.call("GET", "/tasks")).json()).data;
  await expect.poll(list, { interval: 20 }).toHaveLength(1);
  const [task] = await list();
  if (task === undefined) throw new Error("No task was submitted.");
  return task;
}

async function uploadText(of: TestUser, name: string, text: string): Promise<string> {
  const body = new FormData();
  body.append("file", new File([text], name));
  const response = await of.call("POST", "/upload", { body });
  expect(response.status).toBe(202);
  const { file } = (await response.json()) as { file: { id: string } };
  return file.id;
}
