import { afterEach, expect, test, vi } from "vitest";
import { exampleFile } from "../test/examples.ts";
import { createGenqClient } from "./create-genq-client.ts";
import type { ProgressRequest } from "./send-with-progress.ts";

const requests: FakeXmlHttpRequest[] = [];

/** A browser's XMLHttpRequest, as far as uploads use it. */
class FakeXmlHttpRequest implements ProgressRequest {
  readonly upload: ProgressRequest["upload"] = { onprogress: null };
  onload: (() => void) | null = null;
  onerror: (() => void) | null = null;
  status = 0;
  responseText = "";
  url = "";
  aborted = false;
  sent: Blob | undefined;
  readonly headers = new Headers();
  constructor() {
    requests.push(this);
  }
  open(_method: string, url: string) {
    this.url = url;
  }
  setRequestHeader(name: string, value: string) {
    this.headers.set(name, value);
  }
  send(body: Blob) {
    this.sent = body;
  }
  abort() {
    this.aborted = true;
  }
  getAllResponseHeaders() {
    return "content-type: application/json\r\nretry-after: 3\r\n";
  }
}

afterEach(() => {
  vi.unstubAllGlobals();
  requests.length = 0;
});

test("browsers upload by XMLHttpRequest when progress is asked for", async () => {
  vi.stubGlobal("XMLHttpRequest", FakeXmlHttpRequest);
  const client = createGenqClient({ apiUrl: "http://genq.test", getAccessToken: () => "token" });
  const progress: number[] = [];
  const upload = client.upload(new File(["hello"], "a.txt"), {
    onProgress: ({ sentBytes }) => progress.push(sentBytes),
  });
  const request = await vi.waitUntil(() => requests[0], { timeout: 5000 });
  const size = request.sent?.size ?? 0;
  request.upload.onprogress?.({ loaded: 1 });
  request.upload.onprogress?.({ loaded: size });
  request.status = 200;
  request.responseText = JSON.stringify({ file: exampleFile, task: null, deduplicated: true });
  request.onload?.();
  expect((await upload).deduplicated).toBe(true);
  expect(progress).toEqual([0, 5]);
  expect([request.url, request.headers.get("authorization")]).toEqual([
    "http://genq.test/upload",
    "Bearer token",
  ]);
});

test("the caller's abort ends the request", async () => {
  vi.stubGlobal("XMLHttpRequest", FakeXmlHttpRequest);
  const client = createGenqClient({ apiUrl: "http://genq.test", getAccessToken: () => "token" });
  const controller = new AbortController();
  const options = { onProgress: () => undefined, signal: controller.signal };
  const upload = client.upload(new File(["hello"], "a.txt"), options);
  const request = await vi.waitUntil(() => requests[0], { timeout: 5000 });
  controller.abort(new Error("enough"));
  await expect(upload).rejects.toThrow("enough");
  expect(request.aborted).toBe(true);
});
