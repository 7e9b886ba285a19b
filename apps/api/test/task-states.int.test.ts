import { randomUUID } from "node:crypto";
import { createProblem } from "@genq/contract";
import { openTestStack } from "@genq/core/testing";
import { afterAll, expect, it } from "vitest";
import { exampleAnswer, openTestApi, readProblem, type TestUser } from "./open-test-api.ts";

const stack = await openTestStack({ supabase: true });
const api = await openTestApi(stack);
const [owner, stranger] = [await api.signUp(), await api.signUp()];
afterAll(() => api.close());

/** How a task comes to each status. */
const states: Record<string, (id: string) => Promise<unknown>> = {
  queued: () => Promise.resolve(),
  processing: (id) => api.worker.claim(id),
  completed: (id) => api.worker.complete(id, exampleAnswer),
  failed: (id) => api.worker.fail(id, createProblem("model_crashed", "The model process died.")),
  canceled: (id) => owner.call("POST", `/task/${id}/cancel`),
  expired: (id) => api.sql`update genq.tasks set status = 'expired', finished_at = now() where id = ${id}`,
};
const verbs: [string, (id: string) => [string, string]][] = [
  ["cancel", (id) => ["POST", `/task/${id}/cancel`]],
  ["retry", (id) => ["POST", `/task/${id}/retry`]],
  ["delete", (id) => ["DELETE", `/task/${id}`]],
];

/** The answer as `status code`, or `status` and what the task is then. */
async function act(user: TestUser, [method, path]: [string, string]): Promise<string> {
  const response = await user.call(method, path);
  if (response.status >= 400) return `${response.status} ${(await readProblem(response)).code}`;
  const text = await response.text();
  const body: unknown = text === "" ? {} : JSON.parse(text);
  const status = typeof body === "object" && body !== null && "status" in body ? body.status : "gone";
  return `${response.status} ${String(status)}`;
}

/** All of an answer that tells something, without the id of its request. */
async function bytes(user: TestUser, [method, path]: [string, string]): Promise<string> {
  const response = await user.call(method, path);
  const { request_id: _id, ...problem } = await readProblem(response);
  return JSON.stringify([response.status, problem, [...response.headers.keys()].sort()]);
}

it("cancel, retry and delete are what the state allows, idempotent where they may be, and 404 for a stranger", async () => {
  const table: string[] = [];
  for (const [state, reach] of Object.entries(states)) {
    for (const [verb, request] of verbs) {
      const { id } = await owner.submit();
      await reach(id);
      const nobodys = await bytes(stranger, request(randomUUID()));
      expect(await bytes(stranger, request(id)), `${verb} ${state} by a stranger`).toBe(nobodys);
      expect(nobodys).toMatch(/^\[404,/);
      const first = await act(owner, request(id));
      const second = await act(owner, request(id));
      table.push(`${verb} ${state}: ${first}, again ${second}`);
      await owner.call("POST", `/task/${id}/cancel`);
    }
  }
  expect(`\n${table.join("\n")}\n`).toMatchInlineSnapshot(`
    "
    cancel queued: 200 canceled, again 200 canceled
    retry queued: 409 task_not_retryable, again 409 task_not_retryable
    delete queued: 409 task_not_finished, again 409 task_not_finished
    cancel processing: 200 canceled, again 200 canceled
    retry processing: 409 task_not_retryable, again 409 task_not_retryable
    delete processing: 409 task_not_finished, again 409 task_not_finished
    cancel completed: 200 completed, again 200 completed
    retry completed: 409 task_not_retryable, again 409 task_not_retryable
    delete completed: 204 gone, again 404 not_found
    cancel failed: 200 failed, again 200 failed
    retry failed: 202 queued, again 409 task_not_retryable
    delete failed: 204 gone, again 404 not_found
    cancel canceled: 200 canceled, again 200 canceled
    retry canceled: 409 task_not_retryable, again 409 task_not_retryable
    delete canceled: 204 gone, again 404 not_found
    cancel expired: 200 expired, again 200 expired
    retry expired: 409 task_not_retryable, again 409 task_not_retryable
    delete expired: 204 gone, again 404 not_found
    "
  `);
});
