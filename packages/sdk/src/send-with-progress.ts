import type { Send } from "./transport.ts";

/** What is used of `XMLHttpRequest`: the only way in which browsers tell how much of a body has left. */
export interface ProgressRequest {
  open(method: string, url: string): void;
  setRequestHeader(name: string, value: string): void;
  send(body: Blob): void;
  abort(): void;
  getAllResponseHeaders(): string;
  readonly upload: { onprogress: ((event: { loaded: number }) => void) | null };
  onload: (() => void) | null;
  onerror: (() => void) | null;
  readonly status: number;
  readonly responseText: string;
}

/** The platform's `XMLHttpRequest`; undefined outside browsers. */
export function findProgressRequest(): (new () => ProgressRequest) | undefined {
  const found: unknown = Reflect.get(globalThis, "XMLHttpRequest");
  // The platform's own constructor has this shape.
  return typeof found === "function" ? (found as new () => ProgressRequest) : undefined;
}

/** A `fetch` for one Blob that tells how many bytes of the body have been sent. */
export function sendWithProgress(
  Request: new () => ProgressRequest,
  body: Blob,
  onBytes: (sentBytes: number) => void,
): Send {
  return (url, init) =>
    new Promise((resolve, reject) => {
      const signal = init.signal ?? undefined;
      if (signal?.aborted === true) return reject(signal.reason);
      const request = new Request();
      const abort = () => {
        request.abort();
        reject(signal?.reason);
      };
      const settle = (how: () => void) => {
        signal?.removeEventListener("abort", abort);
        how();
      };
      request.open(init.method ?? "POST", url);
      for (const [name, value] of init.headers) request.setRequestHeader(name, value);
      request.upload.onprogress = (event) => onBytes(event.loaded);
      request.onload = () => settle(() => resolve(toResponse(request)));
      request.onerror = () => settle(() => reject(new TypeError("The upload broke off.")));
      signal?.addEventListener("abort", abort, { once: true });
      request.send(body);
    });
}

function toResponse(request: ProgressRequest): Response {
  const headers = new Headers();
  for (const line of request.getAllResponseHeaders().split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) headers.append(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  return new Response(request.responseText, { status: request.status, headers });
}
