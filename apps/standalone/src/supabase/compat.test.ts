import { expect, test } from "vitest";
import { allowOrigins, guardObject, preflight, renameSignedUrls, signMany, unwrapUpload } from "./compat.ts";

const url = "http://127.0.0.1/storage/v1/object/genq/a.pdf";
const path = new URL(url).pathname;

async function upload(form: FormData, maxBytes: number): Promise<Request | Response> {
  const encoded = new Response(form);
  const body = await encoded.arrayBuffer();
  const headers = {
    "content-type": encoded.headers.get("content-type") ?? "",
    "content-length": String(body.byteLength),
  };
  return unwrapUpload(new Request(url, { method: "POST", headers, body }), path, maxBytes);
}

test("a multipart upload becomes a raw one, whatever its field is called", async () => {
  const form = new FormData();
  form.append("cacheControl", "60");
  form.append("", new Blob(["%PDF-"], { type: "application/pdf" }), "a.pdf");
  const request = await upload(form, 1000);
  expect(request).toBeInstanceOf(Request);
  expect(request.headers.get("content-type")).toBe("application/pdf");
  expect(request.headers.get("cache-control")).toBe("max-age=60");
  expect(await request.text()).toBe("%PDF-");
});

test("what is too large is refused before it is read", async () => {
  const form = new FormData();
  form.append("", new Blob([new Uint8Array(100_000)]));
  const response = await upload(form, 1000);
  expect(response).toBeInstanceOf(Response);
  expect(await response.json()).toMatchObject({ statusCode: "413" });
});

test("a body without a file, and one that is no form", async () => {
  const form = new FormData();
  form.append("cacheControl", "60");
  expect(await upload(form, 1000)).toMatchObject({ status: 400 });
  const headers = { "content-type": "multipart/form-data; boundary=x", "content-length": "3" };
  expect(
    await unwrapUpload(new Request(url, { method: "POST", headers, body: "abc" }), path, 1000),
  ).toMatchObject({ status: 400 });
});

test("signed URLs get the names that supabase-js reads", async () => {
  const signed = "/storage/v1/object/sign/genq/a.pdf?token=t";
  const answer = await renameSignedUrls(
    Response.json({ signedUrl: signed }),
    "/storage/v1/object/sign/genq/a.pdf",
  );
  expect(await answer.json()).toEqual({
    signedURL: "/object/sign/genq/a.pdf?token=t",
    url: "/object/sign/genq/a.pdf?token=t",
  });
});

test("browsers of any origin may call", () => {
  const headers = {
    "access-control-request-method": "POST",
    "access-control-request-headers": "apikey,authorization",
  };
  expect(
    preflight(new Request(url, { method: "OPTIONS", headers }))?.headers.get("access-control-allow-headers"),
  ).toBe("apikey,authorization");
  expect(preflight(new Request(url))).toBeUndefined();
  expect(allowOrigins(Response.json({})).headers.get("access-control-allow-origin")).toBe("*");
});

test("several objects are signed at once, the missing ones with an error", async () => {
  const path = "/storage/v1/object/sign/genq";
  const body = JSON.stringify({ expiresIn: 60, paths: ["a/日本.pdf", "nope"] });
  const signOne = (_one: Request, onePath: string) =>
    Promise.resolve(
      onePath.endsWith("nope")
        ? Response.json({}, { status: 400 })
        : Response.json({ signedURL: `${onePath}?token=t` }),
    );
  const answer = await signMany(
    new Request(`http://127.0.0.1${path}`, { method: "POST", body }),
    path,
    signOne,
  );
  expect(await answer?.json()).toEqual([
    { path: "a/日本.pdf", signedURL: `${path}/a/${encodeURIComponent("日本")}.pdf?token=t`, error: null },
    { path: "nope", signedURL: null, error: expect.any(String) },
  ]);
  expect(await signMany(new Request(url), new URL(url).pathname, signOne)).toBeUndefined();
});

test("an object is downloaded under its name, and runs no script", async () => {
  const page = () => new Response("<script>", { headers: { "content-type": "text/html" } });
  const get = (query: string) =>
    guardObject(page(), new Request(`http://127.0.0.1/storage/v1/object/sign/genq/a${query}`));
  expect(get("").headers.get("content-disposition")).toBeNull();
  expect(get("").headers.get("content-security-policy")).toContain("sandbox");
  expect(get("").headers.get("x-content-type-options")).toBe("nosniff");
  expect(get("?download=").headers.get("content-disposition")).toBe("attachment");
  const odd = get(`?download=${encodeURIComponent("a'\"\r\nx: y 日.html")}`);
  expect(odd.headers.get("content-disposition")).toBe(
    "attachment; filename*=UTF-8''a%27%22%0D%0Ax%3A%20y%20%E6%97%A5.html",
  );
  expect(await odd.text()).toBe("<script>");
  const listed = guardObject(Response.json([]), new Request("http://127.0.0.1/rest/v1/a?download=b"));
  expect(listed.headers.get("content-disposition")).toBeNull();
});
