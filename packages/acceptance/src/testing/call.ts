/** An answer, read whole. */
export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  /** The parsed body; undefined when it is not JSON. */
  json: unknown;
}

export interface CallOptions {
  token?: string;
  headers?: Record<string, string>;
  /** Sent as JSON. */
  json?: unknown;
  /** Sent as it is. */
  body?: string | FormData | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>;
}

/** No answer takes longer than this. */
const boundMs = 45_000;

/** One plain HTTP request, as any frontend could make it. */
export async function call(url: string, method: string, options: CallOptions = {}): Promise<Answer> {
  const headers = new Headers(options.headers);
  if (options.token !== undefined) headers.set("authorization", `Bearer ${options.token}`);
  if (options.json !== undefined) headers.set("content-type", "application/json");
  const body = options.json === undefined ? options.body : JSON.stringify(options.json);
  const response = await fetch(url, {
    method,
    headers,
    signal: AbortSignal.timeout(boundMs),
    ...(body === undefined ? {} : { body }),
    ...(body instanceof ReadableStream ? { duplex: "half" as const } : {}),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: parseJson(text) };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The value at a path of a JSON answer; undefined where there is none. */
export function at(json: unknown, ...path: (string | number)[]): unknown {
  let value = json;
  for (const key of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = Reflect.get(value, key);
  }
  return value;
}

/** The same, for what has to be a text. */
export function textAt(json: unknown, ...path: (string | number)[]): string {
  const value = at(json, ...path);
  if (typeof value !== "string") {
    throw new TypeError(`No text at ${path.join(".")} of ${JSON.stringify(json)?.slice(0, 500)}`);
  }
  return value;
}
