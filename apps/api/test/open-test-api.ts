import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import {
  type GenerateResult,
  type JobKind,
  type JobResult,
  type ModelStatus,
  type Problem,
  problemSchema,
  type SubmittedTask,
  submittedTaskSchema,
} from "@genq/contract";
import {
  type Claim,
  closeDatabase,
  completeTask,
  type Database,
  failTask,
  inServiceTransaction,
  openDatabase,
  reportWorker,
} from "@genq/core/db";
import { createClient } from "@supabase/supabase-js";
import { pino } from "pino";
import { createApp } from "../src/app.ts";
import { readApiEnv } from "../src/env.ts";
import { openDeps } from "../src/open-deps.ts";
import { serve } from "../src/serve.ts";

/** What the harness of `@genq/core/testing` opens for a test file. */
export interface ApiStack {
  databaseUrl: string;
  queueUrl: string;
  queuePrefix: string;
  supabase: { url: string; publishableKey: string; secretKey: string };
  claimTask: (
    database: Database,
    taskId: string,
    leaseMs: number,
  ) => Promise<{ attempt: number } | undefined>;
}

export interface TestApi {
  url: string;
  /** Runs SQL as the owner of the tables. */
  sql: Database["sql"];
  /** Signs a new user up as a frontend does. */
  signUp(): Promise<TestUser>;
  /** What a worker writes, without one. */
  worker: TestWorker;
  close(): Promise<void>;
}

export interface TestUser {
  id: string;
  token: string;
  /** A request with the user's token; an object as `json` becomes the body. */
  call(method: string, path: string, options?: CallOptions): Promise<Response>;
  /** Submits a generation that no worker takes. */
  submit(body?: object, headers?: Record<string, string>): Promise<SubmittedTask>;
}

interface CallOptions {
  json?: unknown;
  body?: RequestInit["body"];
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

interface TestWorker {
  claim(taskId: string): Promise<Claim>;
  complete<Kind extends JobKind>(taskId: string, result: JobResult<Kind>): Promise<void>;
  fail(taskId: string, problem: Problem): Promise<void>;
  /** Says that one more worker lives, and how its models are. */
  report(models: ModelStatus[]): Promise<void>;
}

/** The API over a test file's stack, on a port of its own. */
export async function openTestApi(stack: ApiStack, settings: Record<string, string> = {}): Promise<TestApi> {
  const result = readApiEnv({
    EDITION: "standalone",
    DATABASE_URL: stack.databaseUrl,
    QUEUE_URL: stack.queueUrl,
    QUEUE_PREFIX: stack.queuePrefix,
    SUPABASE_URL: stack.supabase.url,
    SUPABASE_PUBLISHABLE_KEY: stack.supabase.publishableKey,
    SUPABASE_SECRET_KEY: stack.supabase.secretKey,
    EMBEDDING_MODEL: "genq/mini-embedder",
    GENERATION_MODEL: "genq/mini-generator",
    // A busy machine is no outage.
    DATABASE_TIMEOUT_MS: "20000",
    ...settings,
  });
  if (!result.ok) throw new Error(result.problems.join("\n"));
  const { deps, release, close } = openDeps(result.env, pino({ level: "silent" }));
  const server = await serve(createApp(deps), "127.0.0.1", 0);
  const workerDatabase = openDatabase({ url: stack.databaseUrl, role: "genq_worker", max: 2, prepare: true });
  const stop = async () => {
    release();
    await server.stop(1000);
    await close();
    await closeDatabase(workerDatabase);
  };
  const claim = async (taskId: string) => {
    const task = await stack.claimTask(workerDatabase, taskId, 30_000);
    if (task === undefined) throw new Error("The task could not be claimed.");
    return { taskId, attempt: task.attempt };
  };
  return {
    url: server.url,
    sql: workerDatabase.sql,
    close: stop,
    signUp: () => signUp(stack, server.url),
    worker: {
      claim,
      complete: async (taskId, result) => {
        const claimed = await claim(taskId);
        await inServiceTransaction(workerDatabase, (sql) => completeTask(sql, claimed, result));
      },
      fail: async (taskId, problem) => {
        const claimed = await claim(taskId);
        await inServiceTransaction(workerDatabase, (sql) => failTask(sql, claimed, problem));
      },
      report: (models) =>
        inServiceTransaction(workerDatabase, (sql) =>
          reportWorker(sql, randomUUID(), { models, queues: [] }),
        ),
    },
  };
}

let users = 0;

async function signUp(stack: ApiStack, url: string): Promise<TestUser> {
  const client = createClient(stack.supabase.url, stack.supabase.publishableKey, {
    auth: { persistSession: false, autoRefreshToken: false },
  });
  const { data, error } = await client.auth.signUp({
    email: `user-${++users}@example.com`,
    password: "a password of a test",
  });
  if (error !== null || data.session === null) throw new Error("Signing up failed.", { cause: error });
  const token = data.session.access_token;
  const call = (method: string, path: string, options: CallOptions = {}) =>
    fetch(url + path, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(options.json === undefined ? {} : { "content-type": "application/json" }),
        ...options.headers,
      },
      ...(options.json === undefined ? {} : { body: JSON.stringify(options.json) }),
      ...(options.body === undefined ? {} : { body: options.body, duplex: "half" }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
  return {
    id: data.session.user.id,
    token,
    call,
    submit: async (body = { text: "hello" }, headers = {}) => {
      const response = await call("POST", "/generate-async", { json: body, headers });
      assert.equal(response.status, 202);
      return submittedTaskSchema.parse(await response.json());
    },
  };
}

/** The problem of an answer, which must be one and be told consistently. */
export async function readProblem(response: Response): Promise<Problem> {
  assert.equal(response.headers.get("content-type"), "application/problem+json");
  const problem = problemSchema.parse(await response.json());
  assert.equal(problem.status, response.status);
  assert.equal(problem.request_id, response.headers.get("x-request-id"));
  return problem;
}

export const exampleAnswer: GenerateResult = {
  generated_text: "an answer",
  finish_reason: "stop",
  confidence: 0.5,
  processing_time: 0.1,
  usage: { prompt_tokens: 3, completion_tokens: 2, truncated_tokens: 0 },
  model: "genq/mini-generator",
  citations: [],
};
