import {
  type EmbedInput,
  type EmbedResult,
  embedResultSchema,
  type GenerateInput,
  type GenerateResult,
  generateResultSchema,
  type SearchInput,
  type SearchResult,
  type SubmittedTask,
  searchResultSchema,
  submittedTaskSchema,
} from "@genq/contract";
import { GenqError } from "./genq-error.ts";
import { parseAnswer, type Schema } from "./parse-answer.ts";
import type { Tasks } from "./tasks.ts";
import type { Transport } from "./transport.ts";
import type { WaitOptions } from "./wait-for-task.ts";

export interface SubmitOptions {
  signal?: AbortSignal;
  /** Default: a new one for each call, so that a request that is sent again does its work once. */
  idempotencyKey?: string;
}

export interface RunOptions extends SubmitOptions {
  /** Hears of the task when the answer takes longer than the server waits. */
  onProgress?: WaitOptions["onProgress"];
}

export interface Work {
  /** Texts to vectors. */
  embed(request: EmbedInput, options?: RunOptions): Promise<EmbedResult>;
  embedAsync(request: EmbedInput, options?: SubmitOptions): Promise<SubmittedTask>;
  /** The passages of the caller's files that are nearest to a query. */
  search(request: SearchInput, options?: RunOptions): Promise<SearchResult>;
  /** An answer, with citations when `file_ids` or `search` is given. */
  generate(request: GenerateInput, options?: RunOptions): Promise<GenerateResult>;
  generateAsync(request: GenerateInput, options?: SubmitOptions): Promise<SubmittedTask>;
}

/** Seconds that the server is asked to wait before it answers with a task. */
const preferWaitSeconds = 30;

export function createWork(transport: Transport, tasks: Tasks): Work {
  const post = (path: string, json: unknown, options: SubmitOptions, prefer?: string) =>
    transport.send({
      method: "POST",
      path,
      json,
      headers: { prefer, "idempotency-key": options.idempotencyKey ?? crypto.randomUUID() },
      repeatable: true,
      signal: options.signal,
    });
  const submit = async (path: string, json: unknown, options: SubmitOptions = {}) =>
    parseAnswer(await post(path, json, options), submittedTaskSchema);
  const run = async <Result>(
    path: string,
    json: unknown,
    schema: Schema<Result>,
    options: RunOptions = {},
  ) => {
    const answer = await post(path, json, options, `wait=${preferWaitSeconds}`);
    if (answer.status !== 202) return parseAnswer(answer, schema);
    const { signal, onProgress } = options;
    const task = await tasks.wait(parseAnswer(answer, submittedTaskSchema).id, {
      ...(signal === undefined ? {} : { signal }),
      ...(onProgress === undefined ? {} : { onProgress }),
    });
    if (task.problem !== null) throw GenqError.of(task.problem, task.problem.status);
    return parseAnswer({ ...answer, body: task.result }, schema);
  };
  return {
    embed: (request, options) => run("/embed", request, embedResultSchema, options),
    embedAsync: (request, options) => submit("/embed-async", request, options),
    search: (request, options) => run("/search", request, searchResultSchema, options),
    generate: (request, options) => run("/generate", request, generateResultSchema, options),
    generateAsync: (request, options) => submit("/generate-async", request, options),
  };
}
