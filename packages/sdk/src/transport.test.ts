import { expect, test } from "vitest";
import { exampleFile, exampleProblem } from "../test/examples.ts";
import { startFakeApi } from "../test/fake-api.ts";
import { createTransport } from "./transport.ts";

const getAccessToken = () => "token";
const overloaded = { status: 503, json: exampleProblem, headers: { "retry-after": "0" } };

test("sends the token of the moment, the query and JSON", async () => {
  await using api = await startFakeApi(overloaded, { json: {} });
  let count = 0;
  const transport = createTransport({ apiUrl: `${api.url}/`, getAccessToken: () => `token-${++count}` });
  await transport.send({ method: "GET", path: "/files", query: { limit: 2, status: undefined } });
  expect(api.seen.map((request) => request.url)).toEqual(["/files?limit=2", "/files?limit=2"]);
  expect(api.seen.map((request) => request.headers.authorization)).toEqual([
    "Bearer token-1",
    "Bearer token-2",
  ]);
});

test("routes that anybody may read ask for no token", async () => {
  await using api = await startFakeApi({ json: {} });
  const transport = createTransport({
    apiUrl: api.url,
    getAccessToken: () => Promise.reject(new Error("asked")),
  });
  await transport.send({ method: "GET", path: "/health", authenticated: false });
  expect(api.seen[0]?.headers.authorization).toBeUndefined();
});

test("a problem becomes a GenqError with its code, status and Retry-After", async () => {
  const problem = { ...exampleProblem, code: "rate_limited", status: 429 };
  await using api = await startFakeApi({ status: 429, json: problem, headers: { "retry-after": "7" } });
  const transport = createTransport({ apiUrl: api.url, getAccessToken });
  await expect(transport.send({ method: "POST", path: "/search", json: {} })).rejects.toMatchObject({
    name: "GenqError",
    code: "rate_limited",
    status: 429,
    retryAfterSeconds: 7,
    problem: { detail: "Try again in a moment." },
  });
  expect(api.seen).toHaveLength(1);
});

test("repeats a GET after passing failures, up to the limit", async () => {
  await using api = await startFakeApi("hang up", overloaded, overloaded);
  const transport = createTransport({ apiUrl: api.url, getAccessToken, maxRetries: 2 });
  await expect(transport.send({ method: "GET", path: "/files" })).rejects.toMatchObject({
    code: "overloaded",
  });
  expect(api.seen).toHaveLength(3);
});

test("waits at least as long as Retry-After says, and not at all when that is too long", async () => {
  await using api = await startFakeApi(
    { ...overloaded, headers: { "retry-after": "1" } },
    { ...overloaded, headers: { "retry-after": "3600" } },
  );
  const transport = createTransport({ apiUrl: api.url, getAccessToken });
  const begun = performance.now();
  await expect(transport.send({ method: "GET", path: "/files" })).rejects.toMatchObject({
    retryAfterSeconds: 3600,
  });
  expect(performance.now() - begun).toBeGreaterThan(990);
  expect(api.seen).toHaveLength(2);
});

test("never repeats what may not be repeated, nor what will fail again", async () => {
  await using api = await startFakeApi(overloaded, {
    status: 404,
    json: { ...exampleProblem, code: "not_found", retryable: false },
  });
  const transport = createTransport({ apiUrl: api.url, getAccessToken });
  await expect(transport.send({ method: "DELETE", path: "/files/1" })).rejects.toMatchObject({ status: 503 });
  await expect(transport.send({ method: "GET", path: "/files/1" })).rejects.toMatchObject({ status: 404 });
  expect(api.seen).toHaveLength(2);
});

test("an answer that is not genq's is said to be so", async () => {
  await using api = await startFakeApi(
    { status: 502, text: "<h1>Bad gateway</h1>" },
    { text: "<p>Hello</p>" },
  );
  const transport = createTransport({ apiUrl: api.url, getAccessToken, maxRetries: 0 });
  const get = () => transport.send({ method: "GET", path: "/files" });
  await expect(get()).rejects.toMatchObject({ code: "unexpected_answer", status: 502 });
  await expect(get()).rejects.toMatchObject({ code: "unexpected_answer", status: 200 });
});

test("a silent server times out; the caller's abort throws the caller's reason", async () => {
  await using api = await startFakeApi("say nothing");
  const transport = createTransport({ apiUrl: api.url, getAccessToken, maxRetries: 0, timeoutMs: 50 });
  await expect(transport.send({ method: "GET", path: "/files" })).rejects.toMatchObject({
    code: "timed_out",
  });
  const reason = new Error("enough");
  const controller = new AbortController();
  setTimeout(() => controller.abort(reason), 20);
  const send = () =>
    transport.send({ method: "GET", path: "/files", signal: controller.signal, timeoutMs: 0 });
  await expect(send()).rejects.toBe(reason);
  await expect(send()).rejects.toBe(reason);
});

test("nobody at home is connection_failed", async () => {
  const gone = await startFakeApi({});
  await gone[Symbol.asyncDispose]();
  const transport = createTransport({ apiUrl: gone.url, getAccessToken, maxRetries: 0 });
  await expect(transport.send({ method: "GET", path: "/" })).rejects.toMatchObject({
    code: "connection_failed",
  });
});

test("the caller's fetch is the one that is used", async () => {
  const transport = createTransport({
    apiUrl: "http://genq.test",
    getAccessToken,
    fetch: (input) => Promise.resolve(Response.json({ ...exampleFile, name: String(input) })),
  });
  const answer = await transport.send({ method: "GET", path: "/files/1" });
  expect(answer.body).toMatchObject({ name: "http://genq.test/files/1" });
});
