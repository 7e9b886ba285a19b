import { z } from "zod";

/*
 * Where @supabase/lite 0.10 and supabase-js do not meet: the names in answers about signed URLs and the route that
 * signs several, multipart uploads (supabase-js calls the file's field "", lite wants "file"), and CORS on /auth/v1.
 */

const objectPath = "/storage/v1/object/";
const signPattern = /^\/storage\/v1\/object\/(?:upload\/)?sign\//;

/** The answer to a browser's question whether another origin may call. Tokens are sent by hand, not by cookies. */
export function preflight(request: Request): Response | undefined {
  const method = request.headers.get("access-control-request-method");
  if (request.method !== "OPTIONS" || !method) {
    return undefined;
  }
  return new Response(null, {
    status: 204,
    headers: {
      "access-control-allow-origin": "*",
      "access-control-allow-methods": "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
      "access-control-allow-headers": request.headers.get("access-control-request-headers") ?? "*",
      "access-control-max-age": "86400",
    },
  });
}

/** Lets pages of any origin read the answer. */
export function allowOrigins(response: Response): Response {
  const headers = new Headers(response.headers);
  headers.set("access-control-allow-origin", "*");
  return new Response(response.body, { status: response.status, headers });
}

/**
 * An object as its user's bytes and no page of ours: scripts in it do not run, its type is not guessed, and with
 * `?download` it is saved under that name. @supabase/lite leaves all three out.
 */
export function guardObject(response: Response, request: Request): Response {
  const url = new URL(request.url);
  if (!url.pathname.startsWith(objectPath) || !["GET", "HEAD"].includes(request.method)) {
    return response;
  }
  const headers = new Headers(response.headers);
  headers.set("content-security-policy", "default-src 'none'; sandbox");
  headers.set("x-content-type-options", "nosniff");
  const name = url.searchParams.get("download");
  if (name !== null) {
    headers.set(
      "content-disposition",
      name === "" ? "attachment" : `attachment; filename*=UTF-8''${encodeName(name)}`,
    );
  }
  return new Response(response.body, { status: response.status, headers });
}

/** RFC 8187. */
function encodeName(name: string): string {
  return encodeURIComponent(name.toWellFormed()).replace(
    /['()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16)}`,
  );
}

/** What Supabase Storage says about an object over the limit: status 400, and the 413 in the body. */
export function tooLarge(): Response {
  const message = "The object exceeded the maximum allowed size";
  return Response.json({ statusCode: "413", error: "Payload too large", message }, { status: 400 });
}

/** Makes a raw upload of a multipart one, whatever its file's field is called; an answer when it is refused. */
export async function unwrapUpload(
  request: Request,
  path: string,
  maxBytes: number,
): Promise<Request | Response> {
  const isUpload = path.startsWith(objectPath) && (request.method === "POST" || request.method === "PUT");
  if (!isUpload || !request.headers.get("content-type")?.startsWith("multipart/form-data")) {
    return request;
  }
  // formData() holds the whole body in memory; the fields beside the file are small.
  const length = Number(request.headers.get("content-length") ?? Number.NaN);
  if (!(length <= maxBytes + 65_536)) {
    return tooLarge();
  }
  let form: FormData;
  try {
    form = await request.formData();
  } catch {
    return Response.json(
      { statusCode: "400", error: "InvalidRequest", message: "Malformed multipart body" },
      { status: 400 },
    );
  }
  const file = [...form.values()].find((value) => typeof value !== "string");
  if (file === undefined) {
    return Response.json(
      { statusCode: "400", error: "InvalidRequest", message: "Missing file" },
      { status: 400 },
    );
  }
  const cacheControl = form.get("cacheControl");
  const headers = new Headers(request.headers);
  headers.set("content-type", file.type || "application/octet-stream");
  headers.set("content-length", String(file.size));
  if (typeof cacheControl === "string") {
    headers.set("cache-control", `max-age=${cacheControl}`);
  }
  return new Request(request.url, { method: request.method, headers, body: file.stream(), duplex: "half" });
}

const signedSchema = z.looseObject({ signedUrl: z.string() });

/** `signedUrl: "/storage/v1/…"` as Supabase Storage names it: `signedURL`, and `url` for uploads, below /storage/v1. */
export async function renameSignedUrls(response: Response, path: string): Promise<Response> {
  if (!signPattern.test(path) || !response.ok || !response.headers.get("content-type")?.includes("json")) {
    return response;
  }
  const rename = (value: unknown): unknown => {
    const signed = signedSchema.safeParse(value);
    if (!signed.success) {
      return value;
    }
    const { signedUrl, ...others } = signed.data;
    const url = signedUrl.replace(/^\/storage\/v1/, "");
    return { ...others, signedURL: url || null, url };
  };
  const body: unknown = await response.json();
  return Response.json(Array.isArray(body) ? body.map(rename) : rename(body), { status: response.status });
}

const signManySchema = z.object({ expiresIn: z.number(), paths: z.array(z.string()).max(1000) });

/** Signs several objects, one by one: lite takes this route for the one that signs a single object without a name. */
export async function signMany(
  request: Request,
  path: string,
  signOne: (request: Request, path: string) => Promise<Response>,
): Promise<Response | undefined> {
  const bucket = /^\/storage\/v1\/object\/sign\/([^/]+)$/.exec(path)?.[1];
  if (bucket === undefined || request.method !== "POST") {
    return undefined;
  }
  const wanted = signManySchema.safeParse(await request.json().catch(() => undefined));
  if (!wanted.success) {
    return Response.json(
      { statusCode: "400", error: "InvalidRequest", message: "Malformed body" },
      { status: 400 },
    );
  }
  const answers = [];
  for (const key of wanted.data.paths) {
    const url = new URL(`${path}/${key.split("/").map(encodeURIComponent).join("/")}`, request.url);
    const body = JSON.stringify({ expiresIn: wanted.data.expiresIn });
    const one = await signOne(
      new Request(url, { method: "POST", headers: jsonHeaders(request), body }),
      url.pathname,
    );
    const signed: unknown = one.ok ? await one.json() : {};
    const { signedURL } = z.looseObject({ signedURL: z.string().optional() }).parse(signed);
    const error =
      signedURL === undefined ? "Either the object does not exist or you do not have access to it" : null;
    answers.push({ path: key, signedURL: signedURL ?? null, error });
  }
  return Response.json(answers);
}

function jsonHeaders(request: Request): Headers {
  const headers = new Headers(request.headers);
  headers.delete("content-length");
  headers.set("content-type", "application/json");
  return headers;
}
