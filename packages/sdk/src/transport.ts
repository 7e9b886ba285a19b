import { problemSchema } from "@genq/contract";
import { GenqError } from "./genq-error.ts";
import { isTransient, parseRetryAfter, pause, retryDelayMs } from "./retry.ts";

export interface TransportOptions {
  /** Where the API is, for example `http://127.0.0.1:8000`. */
  apiUrl: string;
  /** Called before every attempt, so that a refreshed token is used at once. */
  getAccessToken: () => string | Promise<string>;
  fetch?: typeof fetch;
  /** How often a request that may be repeated is repeated. Default 2. */
  maxRetries?: number;
  /** How long one attempt may take, uploads excepted. Default 60,000. */
  timeoutMs?: number;
}

/** Sends one prepared request, as `fetch` does. */
export type Send = (url: string, init: RequestInit & { headers: Headers }) => Promise<Response>;

export interface ApiRequest {
  method: "GET" | "POST" | "PATCH" | "DELETE";
  path: string;
  query?: Record<string, string | number | undefined>;
  headers?: Record<string, string | undefined>;
  json?: unknown;
  /** A body that is not JSON, made anew for every attempt, and how it is sent. */
  body?: (signal: AbortSignal) => { init: RequestInit; send?: Send };
  /** False for the routes that anybody may read. */
  authenticated?: boolean;
  /** Whether sending it twice does the same as once. Default: only GET. */
  repeatable?: boolean;
  maxRetries?: number;
  /** 0 is no limit. */
  timeoutMs?: number;
  signal?: AbortSignal | undefined;
}

export interface ApiAnswer {
  status: number;
  headers: Headers;
  /** The parsed JSON; undefined when the body is empty. */
  body: unknown;
}

export interface Transport {
  /** @throws GenqError for every status but 2xx and 304 */
  send(request: ApiRequest): Promise<ApiAnswer>;
  /** True when the caller brought no `fetch` of their own. */
  usesPlatformFetch: boolean;
}

export function createTransport(options: TransportOptions): Transport {
  const platformFetch: Send = (url, init) => globalThis.fetch(url, init);
  const custom = options.fetch;
  const defaultSend: Send = custom === undefined ? platformFetch : (url, init) => custom(url, init);
  const base = options.apiUrl.replace(/\/+$/, "");

  const attempt = async (request: ApiRequest): Promise<ApiAnswer> => {
    const headers = new Headers({ accept: "application/json" });
    for (const [name, value] of Object.entries(request.headers ?? {})) {
      if (value !== undefined) headers.set(name, value);
    }
    if (request.authenticated !== false) {
      headers.set("authorization", `Bearer ${await options.getAccessToken()}`);
    }
    const timeoutMs = request.timeoutMs ?? options.timeoutMs ?? 60_000;
    const timeout = timeoutMs > 0 ? AbortSignal.timeout(timeoutMs) : undefined;
    const signal = AbortSignal.any([request.signal, timeout].filter((one) => one !== undefined));
    const { init, send } = request.body?.(signal) ?? { init: {} };
    if (request.json !== undefined) {
      headers.set("content-type", "application/json");
      init.body = JSON.stringify(request.json);
    }
    try {
      const response = await (send ?? defaultSend)(base + request.path + queryString(request.query), {
        ...init,
        method: request.method,
        headers,
        signal,
      });
      return await readAnswer(response);
    } catch (error) {
      request.signal?.throwIfAborted();
      throw toGenqError(error, timeout?.aborted === true ? timeoutMs : undefined, base);
    }
  };

  return {
    usesPlatformFetch: custom === undefined,
    send: async (request) => {
      const repeatable = request.repeatable ?? request.method === "GET";
      const maxRetries = repeatable ? (request.maxRetries ?? options.maxRetries ?? 2) : 0;
      for (let tries = 0; ; tries++) {
        try {
          return await attempt(request);
        } catch (error) {
          if (!(error instanceof GenqError) || tries >= maxRetries || !isTransient(error)) throw error;
          await pause(retryDelayMs(tries, error.retryAfterSeconds), request.signal);
        }
      }
    },
  };
}

function toGenqError(cause: unknown, timedOutMs: number | undefined, base: string): GenqError {
  if (cause instanceof GenqError) return cause;
  return timedOutMs === undefined
    ? new GenqError("connection_failed", `${base} can't be reached.`, { cause })
    : new GenqError("timed_out", `No answer within ${timedOutMs} ms.`, { cause });
}

async function readAnswer(response: Response): Promise<ApiAnswer> {
  const text = await response.text();
  const body = parseJson(text);
  if (response.ok || response.status === 304) {
    if (body === undefined && text !== "") throw unexpected(response);
    return { status: response.status, headers: response.headers, body };
  }
  const retryAfterSeconds = parseRetryAfter(response.headers.get("retry-after"));
  const problem = problemSchema.safeParse(body);
  throw problem.success
    ? GenqError.of(problem.data, response.status, retryAfterSeconds)
    : unexpected(response, retryAfterSeconds);
}

function unexpected(response: Response, retryAfterSeconds?: number): GenqError {
  return new GenqError("unexpected_answer", `The server answered ${response.status} without saying why.`, {
    status: response.status,
    retryAfterSeconds,
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function queryString(query: Record<string, string | number | undefined> = {}): string {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) given.set(name, String(value));
  return given.size === 0 ? "" : `?${given}`;
}
