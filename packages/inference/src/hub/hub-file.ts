/** A file on the hub, as its headers tell. */
export interface HubFile {
  url: string;
  /** Path inside the model's repository. */
  path: string;
  sizeBytes: number | undefined;
  /** Names this content; undefined when the server has none. */
  etag: string | undefined;
}

/** An answer of the hub that is not the file. */
export class HubStatusError extends Error {
  override readonly name = "HubStatusError";
  readonly status: number;

  constructor(url: string, status: number) {
    super(`${url} answered ${status}`);
    this.status = status;
  }
}

const maxRedirects = 6;
const headersTimeoutMs = 30_000;

/** The address of a file, in the hub's layout. */
export function hubFileUrl(endpoint: string, id: string, revision: string, path: string): string {
  return `${endpoint.replace(/\/+$/, "")}/${id}/resolve/${encodeURIComponent(revision)}/${path}`;
}

/**
 * Asks for a file's size and ETag. Large files redirect to a CDN, and only the redirect tells the content's own ETag
 * (its SHA-256), so redirects are followed by hand.
 * @throws HubStatusError, or what fetch throws
 */
export async function describeHubFile(url: string, path: string, signal: AbortSignal): Promise<HubFile> {
  let sizeBytes: number | undefined;
  let etag: string | undefined;
  let next = url;
  for (let hop = 0; hop <= maxRedirects; hop += 1) {
    const response = await fetch(next, {
      method: "HEAD",
      redirect: "manual",
      headers: { "accept-encoding": "identity" },
      signal: AbortSignal.any([signal, AbortSignal.timeout(headersTimeoutMs)]),
    });
    const { headers, status } = response;
    sizeBytes ??= toSize(headers.get("x-linked-size"));
    etag ??= toEtag(headers.get("x-linked-etag"));
    const location = status >= 300 && status < 400 ? headers.get("location") : null;
    if (!location) {
      if (!response.ok) throw new HubStatusError(next, status);
      return {
        url,
        path,
        sizeBytes: sizeBytes ?? toSize(headers.get("content-length")),
        etag: etag ?? toEtag(headers.get("etag")),
      };
    }
    if (sizeBytes !== undefined && etag !== undefined) return { url, path, sizeBytes, etag };
    next = new URL(location, next).href;
  }
  throw new HubStatusError(url, 310);
}

/**
 * The whole text of a small file.
 * @throws HubStatusError, or what fetch throws
 */
export async function readHubFile(url: string, signal: AbortSignal): Promise<string> {
  const response = await fetch(url, {
    signal: AbortSignal.any([signal, AbortSignal.timeout(headersTimeoutMs)]),
  });
  if (!response.ok) throw new HubStatusError(url, response.status);
  return await response.text();
}

const toEtag = (value: string | null) => value?.replace(/^W\//, "").replaceAll('"', "") || undefined;

function toSize(value: string | null): number | undefined {
  const size = value === null ? Number.NaN : Number(value);
  return Number.isSafeInteger(size) && size >= 0 ? size : undefined;
}
