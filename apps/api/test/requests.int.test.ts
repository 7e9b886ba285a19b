import { createHmac, randomUUID } from "node:crypto";
import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { openTestStack } from "@genq/core/testing";
import { afterAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { openTestApi, readProblem } from "./open-test-api.ts";

const stack = await openTestStack({ supabase: true });
const api = await openTestApi(stack, { MAX_BODY_BYTES: "300000" });
afterAll(() => api.close());
const user = await api.signUp();

const documentSchema = z.object({
  openapi: z.string(),
  paths: z.record(
    z.string(),
    z.record(z.string(), z.looseObject({ security: z.array(z.unknown()).optional() })),
  ),
});

describe("the document of the API", () => {
  it("is OpenAPI 3.1 and names every route", async () => {
    const document = documentSchema.parse(await (await fetch(`${api.url}/openapi.json`)).json());
    expect(document.openapi).toBe("3.1.0");
    expect(Object.keys(document.paths)).toEqual(
      expect.arrayContaining([
        "/upload",
        "/generate",
        "/generate-async",
        "/embed",
        "/search",
        "/task/{id}",
        "/files",
      ]),
    );
  });

  it("refers to nothing that it does not hold, and says what may be null", async () => {
    const text = await (await fetch(`${api.url}/openapi.json`)).text();
    const document = z
      .looseObject({ components: z.record(z.string(), z.record(z.string(), z.unknown())) })
      .parse(JSON.parse(text));
    const references = new Set(
      [...text.matchAll(/"\$ref":"#\/components\/(\w+)\/(\w+)"/g)].map(([, kind = "", name = ""]) =>
        [kind, name].join("/"),
      ),
    );
    const held = Object.entries(document.components).flatMap(([kind, named]) =>
      Object.keys(named).map((name) => `${kind}/${name}`),
    );
    expect(text.match(/"\$ref":"(?!#\/components\/)/)).toBeNull();
    expect(held).toEqual(expect.arrayContaining([...references]));
    expect(document.components["schemas"]?.["File"]).toMatchObject({
      properties: { problem: { anyOf: [{ $ref: "#/components/schemas/Problem" }, { type: "null" }] } },
    });
  });

  it("says truly which routes need a token", async () => {
    const { paths } = documentSchema.parse(await (await fetch(`${api.url}/openapi.json`)).json());
    const open: string[] = [];
    for (const [path, methods] of Object.entries(paths)) {
      for (const [method, { security }] of Object.entries(methods)) {
        const target = `${api.url}${path.replace("{id}", randomUUID()).replace("{code}", "not_found")}`;
        const response = await fetch(target, { method: method.toUpperCase() });
        expect(`${method} ${path} ${response.status === 401}`).toBe(
          `${method} ${path} ${security !== undefined}`,
        );
        if (security === undefined) open.push(path);
        else expect(response.headers.get("www-authenticate")).toBe('Bearer realm="genq"');
        await response.body?.cancel();
      }
    }
    expect(open.sort()).toEqual([
      "/config",
      "/health",
      "/metrics",
      "/problems/{code}",
      "/ready",
      "/upload/healthz",
    ]);
  });

  it("is where / leads", async () => {
    const response = await fetch(api.url, { redirect: "manual" });
    expect([response.status, response.headers.get("location")]).toEqual([302, "/docs"]);
  });

  it("has a page that loads nothing from elsewhere", async () => {
    const page = await fetch(`${api.url}/docs`);
    expect(page.headers.get("content-security-policy")).toContain("script-src 'self'");
    const html = await page.text();
    expect(html).not.toMatch(/(?:src|href)="(?:https?:)?\/\//);
    for (const [, path] of html.matchAll(/(?:src|href)="(\/[^"]+)"/g)) {
      const file = await fetch(api.url + path);
      expect(file.status).toBe(200);
      expect((await file.text()).length).toBeGreaterThan(50);
    }
  });
});

describe("a token that is not good", () => {
  const now = Math.floor(Date.now() / 1000);
  const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const unsigned = `${base64({ alg: "none" })}.${base64({ sub: user.id, role: "authenticated", aud: "authenticated", exp: now + 60 })}.`;
  const body = `${base64({ alg: "HS256" })}.${base64({ sub: user.id, exp: now + 60 })}`;
  const forged = `${body}.${createHmac("sha256", "guess").update(body).digest("base64url")}`;

  it.each([
    ["unsigned", `Bearer ${unsigned}`],
    ["forged", `Bearer ${forged}`],
    ["changed", `Bearer ${user.token.slice(0, -8)}AAAAAAAA`],
    ["the publishable key", `Bearer ${stack.supabase.publishableKey}`],
    ["of another scheme", "Basic dXNlcjpwYXNz"],
    ["empty", "Bearer "],
  ])("%s: 401 that says what is wrong", async (_name, authorization) => {
    const response = await fetch(`${api.url}/files`, { headers: { authorization } });
    expect((await readProblem(response)).code).toBe("unauthorized");
    expect(response.headers.get("www-authenticate")).toMatch(/^Bearer realm="genq"/);
  });

  it("of a user who was deleted: 401 and not 500", async () => {
    const gone = await api.signUp();
    await api.sql`delete from auth.users where id = ${gone.id}`;
    const problem = await readProblem(await gone.call("POST", "/generate-async", { json: { text: "a" } }));
    expect(problem).toMatchObject({
      code: "unauthorized",
      detail: expect.stringContaining("does not exist any more"),
    });
  });
});

describe("a body that is not good", () => {
  const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
  const deepObject = `${'{"a":'.repeat(40_000)}1${"}".repeat(40_000)}`;
  const json = { "content-type": "application/json" };

  it.each<[string, string, Record<string, string>, number, string]>([
    ["malformed JSON", '{"text": "a', json, 400, "malformed_json"],
    ["no JSON at all", "text=a", json, 400, "malformed_json"],
    ["nothing", "", json, 400, "malformed_json"],
    ["nested arrays", deep, json, 400, "invalid_request"],
    ["nested arrays in a field", `{"text":${deep}}`, json, 400, "invalid_request"],
    ["nested objects", deepObject, json, 400, "invalid_request"],
    ["an array", "[]", json, 400, "invalid_request"],
    ["null", "null", json, 400, "invalid_request"],
    ["an unknown field", '{"text":"a","txet":"b"}', json, 400, "invalid_request"],
    ["NUL", '{"text":"a\\u0000b"}', json, 400, "invalid_request"],
    ["too many new tokens", '{"text":"a","max_new_tokens":1e9}', json, 400, "invalid_request"],
    ["a fraction of a token", '{"text":"a","max_new_tokens":1.5}', json, 400, "invalid_request"],
    ["a number that is none", '{"text":"a","temperature":1e999}', json, 400, "invalid_request"],
    ["an unknown model", '{"text":"a","model":"gpt-9"}', json, 422, "unknown_model"],
    ["a text type", '{"text":"a"}', { "content-type": "text/plain" }, 415, "unsupported_media_type"],
    [
      "a form",
      "text=a",
      { "content-type": "application/x-www-form-urlencoded" },
      415,
      "unsupported_media_type",
    ],
    ["compressed", "x", { ...json, "content-encoding": "gzip" }, 415, "unsupported_media_type"],
    ["a bad key", '{"text":"a"}', { ...json, "idempotency-key": "a b" }, 400, "invalid_request"],
    ["over the limit", JSON.stringify({ text: "a".repeat(400_000) }), json, 413, "payload_too_large"],
  ])("%s", async (_name, body, headers, status, code) => {
    const problem = await readProblem(await user.call("POST", "/generate-async", { body, headers }));
    expect(problem).toMatchObject({ status, code });
    await user.submit();
  });

  it.each([
    ["", "The body is empty; send a JSON object."],
    ['{"text": "a', "The JSON is malformed: Unterminated string at position 11 (line 1 column 12)."],
    ["{}", "/text: is required."],
  ])("%j: told so that it can be put right", async (body, detail) => {
    const problem = await readProblem(await user.call("POST", "/generate-async", { body, headers: json }));
    expect(problem.detail).toBe(detail);
  });

  it("over the limit, without a Content-Length", async () => {
    const chunk = new TextEncoder().encode(`{"text":"${"a".repeat(100_000)}`);
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        controller.enqueue(chunk);
        if (++sent === 50) controller.close();
      },
    });
    const response = await user.call("POST", "/generate-async", { body, headers: json });
    expect(await readProblem(response)).toMatchObject({ status: 413, code: "payload_too_large" });
  });

  it("over the limit by what the client says: answered before it is sent", async () => {
    const request = httpRequest(`${api.url}/generate-async`, {
      method: "POST",
      headers: { ...json, authorization: `Bearer ${user.token}`, "content-length": "999999999" },
    });
    request.write("{");
    const [response] = (await once(request, "response")) as [import("node:http").IncomingMessage];
    expect(response.statusCode).toBe(413);
    expect(response.headers.connection).toBe("close");
    response.resume();
    await once(response, "end");
    request.destroy();
  });

  it("tells each field that is wrong", async () => {
    const response = await user.call("POST", "/embed", { json: { texts: ["a", 1, "b\u0000"], kind: "x" } });
    const { errors = [] } = await readProblem(response);
    expect(errors.map(({ path }) => path).sort()).toEqual(["/kind", "/texts/1", "/texts/2"]);
  });

  it("lone surrogates become U+FFFD, not an error", async () => {
    const body = '{"text":"a\\ud800b"}';
    expect((await user.call("POST", "/generate-async", { body, headers: json })).status).toBe(202);
  });

  it("a query that is wrong names its parameter", async () => {
    const { errors = [] } = await readProblem(await user.call("GET", "/tasks?limit=1000&status=odd"));
    expect(errors.map(({ path }) => path).sort()).toEqual(["query/limit", "query/status"]);
    const notTime = Buffer.from(JSON.stringify(["99:99:99:99:99", randomUUID()])).toString("base64url");
    for (const query of ["cursor=bogus", `cursor=${notTime}`, "chat_id=%00"]) {
      const answer = await user.call("GET", `/files?${query}`);
      expect(await readProblem(answer), query).toMatchObject({ status: 400, code: "invalid_request" });
    }
  });
});

describe("a body that is not well-formed HTTP", () => {
  it("is the client's fault, also in the metrics", async () => {
    const { hostname, port } = new URL(api.url);
    const socket = connect(Number(port), hostname);
    socket.end(
      `POST /generate-async HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${user.token}\r\n` +
        `content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nno size\r\n`,
    );
    const [answer] = (await once(socket, "data")) as [Buffer];
    expect(answer.toString("latin1")).toMatch(/^HTTP\/1\.1 400 /);
    await sleep(200);
    const metrics = await (await fetch(`${api.url}/metrics`)).text();
    expect(metrics).not.toMatch(/route="\/generate-async",status="5/);
  });
});

describe("what is not there", () => {
  it("is the same answer for another user's and for nobody's", async () => {
    const other = await api.signUp();
    const task = await other.submit();
    const requests = (id: string): [string, string, unknown?][] => [
      ["GET", `/task/${id}`],
      ["GET", `/task/${id}/events`],
      ["POST", `/task/${id}/cancel`],
      ["POST", `/task/${id}/retry`],
      ["DELETE", `/task/${id}`],
    ];
    const answers = async (id: string) =>
      Promise.all(
        requests(id).map(async ([method, path]) => {
          const response = await user.call(method, path);
          const { request_id: _id, ...problem } = await readProblem(response);
          const headers = [...response.headers.keys()].sort();
          return JSON.stringify([response.status, problem, headers]);
        }),
      );
    const foreign = await answers(task.id);
    expect(await answers(randomUUID())).toEqual(foreign);
    expect(await answers("not-an-id")).toEqual(foreign);
    expect(foreign.every((answer) => answer.startsWith("[404,"))).toBe(true);
    expect((await other.call("GET", `/task/${task.id}`)).status).toBe(200);
  });

  it("a route: 404; a method: 405 with Allow", async () => {
    expect((await readProblem(await fetch(`${api.url}/nope`))).code).toBe("not_found");
    const response = await fetch(`${api.url}/task/${randomUUID()}/cancel`, { method: "PUT" });
    expect((await readProblem(response)).code).toBe("method_not_allowed");
    expect(response.headers.get("allow")).toBe("POST");
    const task = await fetch(`${api.url}/task/${randomUUID()}`, { method: "PATCH" });
    expect(task.headers.get("allow")?.split(", ").sort()).toEqual(["DELETE", "GET", "HEAD"]);
  });
});

describe("every answer", () => {
  it("carries a request id: the client's when it is a sane one", async () => {
    const given = await fetch(`${api.url}/config`, { headers: { "x-request-id": "abc-123" } });
    expect(given.headers.get("x-request-id")).toBe("abc-123");
    const odd = await fetch(`${api.url}/config`, { headers: { "x-request-id": '"><script>' } });
    expect(odd.headers.get("x-request-id")).toMatch(/^[\da-f-]{36}$/);
  });

  it("is for the pages of allowed origins only", async () => {
    const ask = (origin: string) =>
      fetch(`${api.url}/files`, {
        method: "OPTIONS",
        headers: {
          origin,
          "access-control-request-method": "GET",
          "access-control-request-headers": "authorization",
        },
      });
    const allowed = await ask("http://localhost:5173");
    expect(allowed.status).toBe(204);
    expect(allowed.headers.get("access-control-allow-origin")).toBe("http://localhost:5173");
    expect((await ask("https://evil.example")).headers.get("access-control-allow-origin")).toBeNull();
    const answer = await fetch(`${api.url}/files`, { headers: { origin: "http://localhost:5173" } });
    expect(answer.headers.get("access-control-expose-headers")).toContain("Retry-After");
  });

  it("tells where the user stands in their rate", async () => {
    const response = await user.call("GET", "/files");
    expect(response.headers.get("ratelimit-policy")).toBe('"user";q=600;w=60');
    expect(response.headers.get("ratelimit")).toMatch(/^"user";r=\d+;t=\d+$/);
  });
});

describe("the service", () => {
  it("is alive without workers, and not ready", async () => {
    const health = await fetch(`${api.url}/health`);
    expect(await health.json()).toMatchObject({ status: "degraded", model_loaded: false, workers: 0 });
    const ready = await fetch(`${api.url}/ready`);
    expect(ready.status).toBe(503);
    const { checks } = (await ready.json()) as { checks: { name: string; ok: boolean }[] };
    expect(checks.filter(({ ok }) => !ok).map(({ name }) => name)).toEqual(["worker", "tasks", "models"]);
    expect((await fetch(`${api.url}/upload/healthz`)).status).toBe(200);
  });

  it("shows each model as the worker that is furthest with it tells", async () => {
    const shown = {
      source: "hub",
      revision: "main",
      dtype: "q8",
      dimensions: null,
      max_tokens: 512,
      description: "",
      pinned: true,
      resident_bytes: null,
      last_used_at: null,
      progress: null,
      batching: null,
      error: null,
    } as const;
    const progress = { loaded_bytes: 5, total_bytes: 10, bytes_per_second: 2.5 };
    const fetched = { ...shown, id: "a/b", task: "embedding", state: "downloading", progress } as const;
    const loading = { ...shown, id: "a/c", task: "generation", state: "loading" } as const;
    const ready = { ...loading, state: "ready", batching: "one_row" } as const;
    await api.worker.report([fetched, loading]);
    await api.worker.report([ready]);
    await expect
      .poll(async () => (await fetch(`${api.url}/health`)).json(), { timeout: 5000 })
      .toMatchObject({ workers: 2, models: [ready, fetched] });
  });

  it("counts requests by route, and says nothing of users", async () => {
    await user.submit();
    const text = await (await fetch(`${api.url}/metrics`)).text();
    expect(text).toMatch(
      /genq_http_request_seconds_count\{method="POST",route="\/generate-async",status="202"\} \d+/,
    );
    expect(text).toMatch(/genq_tasks_accepted_total\{kind="generate"\} \d+/);
    expect(text).toMatch(/genq_queue_waiting\{queue="generate"\} \d+/);
    expect(text).not.toContain(user.id);
  });
});
