import { createHash, randomUUID } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import {
  fileContentSchema,
  filePageSchema,
  fileSchema,
  type UploadResult,
  uploadResultSchema,
} from "@genq/contract";
import { openTestStack } from "@genq/core/testing";
import { afterAll, describe, expect, it } from "vitest";
import { openTestApi, readProblem, type TestUser } from "./open-test-api.ts";

const maxUploadBytes = 2_000_000;
const stack = await openTestStack({ supabase: true });
const api = await openTestApi(stack, { MAX_UPLOAD_BYTES: String(maxUploadBytes) });
afterAll(() => api.close());
const user = await api.signUp();

interface Part {
  name: string;
  value: string | Uint8Array<ArrayBuffer>;
  fileName?: string;
}

/** A multipart body byte for byte: FormData would not send what is wrong on purpose. */
function multipart(
  parts: Part[],
  ending = "\r\n--edge--\r\n",
): { body: Blob; headers: Record<string, string> } {
  const pieces = parts.flatMap(({ name, value, fileName }, index) => [
    `${index === 0 ? "" : "\r\n"}--edge\r\ncontent-disposition: form-data; name="${name}"`,
    fileName === undefined ? "" : `; filename="${fileName}"`,
    "\r\n\r\n",
    value,
  ]);
  return {
    body: new Blob([...pieces, ending]),
    headers: { "content-type": "multipart/form-data; boundary=edge" },
  };
}

const send = (
  parts: Part[],
  options: { as?: TestUser; ending?: string; headers?: Record<string, string> } = {},
) => {
  const { body, headers } = multipart(parts, options.ending);
  return (options.as ?? user).call("POST", "/upload", { body, headers: { ...headers, ...options.headers } });
};
const text = (fileName: string, value: string): Part => ({ name: "file", fileName, value });

async function accepted(response: Response, status = 202): Promise<UploadResult> {
  expect(response.status).toBe(status);
  return uploadResultSchema.parse(await response.json());
}

const unclaimedObjects = async () => {
  const [row] = await api.sql<{ waiting: number; due: number }[]>`
    select count(*)::int as waiting, count(*) filter (where run_after <= now())::int as due from genq.storage_deletions`;
  return row ?? { waiting: 0, due: 0 };
};

describe("an upload", () => {
  it("is stored byte for byte, and described", async () => {
    const value = `unique ${randomUUID()} `.repeat(1000);
    const response = await send([text("a.md", value)]);
    const { file, task, deduplicated } = await accepted(response);
    expect(response.headers.get("location")).toBe(`/task/${task?.id}`);
    expect(deduplicated).toBe(false);
    expect(file).toMatchObject({
      name: "a.md",
      media_type: "text/markdown",
      size_bytes: value.length,
      sha256: createHash("sha256").update(value).digest("hex"),
      status: "waiting",
      task_id: task?.id,
    });
    expect(task).toMatchObject({ kind: "ingest", status: "queued" });
    const content = await user.call("GET", `/files/${file.id}/content`);
    const { url } = fileContentSchema.parse(await content.json());
    expect(await (await fetch(url)).text()).toBe(value);
  });

  it("takes the older name of the part, and fields before and after it", async () => {
    const value = `a,b\n1,2\n${randomUUID()},4\n`;
    const before = await accepted(
      await send([
        { name: "chat_id", value: "c1" },
        { name: "uploadFile", fileName: "t.csv", value },
      ]),
    );
    expect(before.file).toMatchObject({ chat_id: "c1", media_type: "text/csv" });
    const after = await accepted(await send([text("t.csv", value), { name: "chat_id", value: "c2" }]));
    expect(after.file).toMatchObject({ chat_id: "c2" });
  });

  it("of the same bytes is the same file; of the same name another one only by replace", async () => {
    const value = randomUUID();
    const first = await accepted(await send([text("same.txt", value)]));
    const again = await accepted(await send([text("other name.txt", value)]), 200);
    expect(again).toMatchObject({ deduplicated: true, file: { id: first.file.id, name: "same.txt" } });
    const taken = await send([text("same.txt", `${value} changed`)]);
    expect(await readProblem(taken)).toMatchObject({ status: 409, code: "file_name_taken" });
    const replaced = await send([text("same.txt", `${value} changed`), { name: "replace", value: "true" }]);
    expect((await accepted(replaced)).file.id).not.toBe(first.file.id);
  });

  it("with a key is one file, however often it is sent", async () => {
    const headers = { "idempotency-key": randomUUID() };
    const parts = [text("keyed.txt", randomUUID())];
    const first = await send(parts, { headers });
    const second = await send(parts, { headers });
    expect(second.headers.get("idempotency-replayed")).toBe("true");
    expect((await accepted(second)).file.id).toBe((await accepted(first)).file.id);
    const other = await send([text("keyed.txt", "something else")], { headers });
    expect((await readProblem(other)).code).toBe("idempotency_mismatch");
  });

  it.each([
    ["報告書 🦆.txt", "報告書 🦆.txt"],
    ["..hidden.txt", "..hidden.txt"],
    ["a%22b.txt", "a%22b.txt"],
    ["R&D #1 = 100%+.txt", "R&D #1 = 100%+.txt"],
  ])("may be called %j", async (fileName, name) => {
    const { file } = await accepted(await send([text(fileName, randomUUID())]));
    expect(file.name).toBe(name);
    const content = await user.call("GET", `/files/${file.id}/content`);
    const { url } = fileContentSchema.parse(await content.json());
    expect(new URL(url).searchParams.get("download")).toBe(name);
  });

  it("may spell its name as RFC 5987 does", async () => {
    const body = `--edge\r\ncontent-disposition: form-data; name="file"; filename*=UTF-8''%E3%81%82.txt\r\n\r\n${randomUUID()}\r\n--edge--\r\n`;
    const headers = { "content-type": "multipart/form-data; boundary=edge" };
    const { file } = await accepted(await user.call("POST", "/upload", { body, headers }));
    expect(file.name).toBe("あ.txt");
  });
});

describe("an upload that is not good", () => {
  const zip = "PK\u0003\u0004 not really";
  it.each<[string, Part[], number, string]>([
    ["empty", [text("a.txt", "")], 422, "document_empty"],
    ["only white space", [text("a.txt", " \n ")], 422, "document_empty"],
    ["a ZIP called .pdf", [text("a.pdf", zip)], 415, "unsupported_media_type"],
    [
      "binary",
      [{ name: "file", fileName: "a.txt", value: new Uint8Array([0, 1, 2, 3, 255, 254]) }],
      415,
      "unsupported_media_type",
    ],
    ["without a file", [{ name: "chat_id", value: "a" }], 400, "malformed_multipart"],
    ["of two files", [text("a.txt", "one"), text("b.txt", "two")], 400, "malformed_multipart"],
    ["in another part", [{ name: "document", fileName: "a.txt", value: "a" }], 400, "malformed_multipart"],
    ["a file without a name", [{ name: "file", value: "a" }], 400, "malformed_multipart"],
    ["an empty name", [text("", "a")], 400, "invalid_request"],
    ["a path", [text("../../etc/passwd", "a")], 400, "invalid_request"],
    ["a Windows path", [text("..\\\\a.txt", "a")], 400, "invalid_request"],
    ["NUL in the name", [text("a\u0000.txt", "a")], 400, "invalid_request"],
    ["a long name", [text(`${"あ".repeat(300)}.txt`, "a")], 400, "invalid_request"],
    [
      "a bad field after the file",
      [text("late.txt", "late"), { name: "chat_id", value: "a b" }],
      400,
      "invalid_request",
    ],
    [
      "a field twice",
      [{ name: "chat_id", value: "a" }, { name: "chat_id", value: "b" }, text("a.txt", "a")],
      400,
      "malformed_multipart",
    ],
    [
      "too many fields",
      [...Array.from({ length: 30 }, (_, n) => ({ name: `f${n}`, value: "" })), text("a.txt", "a")],
      400,
      "malformed_multipart",
    ],
    ["too large", [text("a.txt", "a".repeat(maxUploadBytes + 1))], 413, "payload_too_large"],
    ["far too large", [text("a.txt", "a".repeat(5 * maxUploadBytes))], 413, "payload_too_large"],
  ])("%s", async (_name, parts, status, code) => {
    const stranger = await api.signUp();
    const response = await send(parts, { as: stranger });
    expect(await readProblem(response)).toMatchObject({ status, code });
    const files = filePageSchema.parse(await (await stranger.call("GET", "/files")).json());
    expect(files.data).toEqual([]);
    const { waiting, due } = await unclaimedObjects();
    expect(waiting).toBe(due);
    await accepted(await send([text("next.txt", "the next request works")], { as: stranger }));
  });

  it("is not multipart, or has no boundary", async () => {
    const json = await user.call("POST", "/upload", { json: { file: "a" } });
    expect(await readProblem(json)).toMatchObject({ status: 415 });
    const headers = { "content-type": "multipart/form-data; charset=utf-8" };
    const edgeless = await user.call("POST", "/upload", { body: "--edge--", headers });
    expect(await readProblem(edgeless)).toMatchObject({ status: 400, code: "malformed_multipart" });
  });

  it("is compressed", async () => {
    const response = await send([text("packed.txt", "packed")], { headers: { "content-encoding": "gzip" } });
    expect(await readProblem(response)).toMatchObject({ status: 415, code: "unsupported_media_type" });
  });

  it("ends too early", async () => {
    const response = await send([text("cut.txt", "cut off")], { ending: "" });
    expect(await readProblem(response)).toMatchObject({ status: 400, code: "malformed_multipart" });
  });

  it("is too large, and says nothing of its length", async () => {
    const chunk = new TextEncoder().encode("a".repeat(100_000));
    const head = new TextEncoder().encode(
      '--edge\r\ncontent-disposition: form-data; name="file"; filename="a.txt"\r\n\r\n',
    );
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        controller.enqueue(sent++ === 0 ? head : chunk);
        if (sent === 400) controller.close();
      },
    });
    const headers = { "content-type": "multipart/form-data; boundary=edge" };
    const response = await user.call("POST", "/upload", { body, headers });
    expect(response.headers.get("connection")).toBe("close");
    expect(await readProblem(response)).toMatchObject({ status: 413, code: "payload_too_large" });
  });

  it("stops in the middle: no file is made, and its object is let go", async () => {
    const stranger = await api.signUp();
    const { hostname, port } = new URL(api.url);
    const socket = connect(Number(port), hostname);
    await once(socket, "connect");
    socket.write(
      `POST /upload HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${stranger.token}\r\ncontent-length: 1000000\r\n` +
        `content-type: multipart/form-data; boundary=edge\r\n\r\n--edge\r\n` +
        `content-disposition: form-data; name="file"; filename="gone.txt"\r\n\r\n${"gone ".repeat(40_000)}`,
    );
    await expect
      .poll(async () => (await unclaimedObjects()).waiting)
      .toBeGreaterThan((await unclaimedObjects()).due);
    socket.destroy();
    await expect
      .poll(async () => {
        const { waiting, due } = await unclaimedObjects();
        return waiting - due;
      })
      .toBe(0);
    await sleep(100);
    expect(filePageSchema.parse(await (await stranger.call("GET", "/files")).json()).data).toEqual([]);
  });
});

describe("a file", () => {
  it("is there for its owner only, and gone when it is deleted", async () => {
    const other = await api.signUp();
    const { file, task } = await accepted(await send([text("mine.txt", randomUUID())]));
    const read = await user.call("GET", `/files/${file.id}`);
    expect(fileSchema.parse(await read.json())).toEqual(file);
    const held = await user.call("GET", `/files/${file.id}`, {
      headers: { "if-none-match": read.headers.get("etag") ?? "" },
    });
    expect(held.status).toBe(304);
    for (const [method, path] of [
      ["GET", ""],
      ["GET", "/content"],
      ["DELETE", ""],
    ] as const) {
      const ask = async (id: string) => {
        const { request_id: _id, ...problem } = await readProblem(
          await other.call(method, `/files/${id}${path}`),
        );
        return problem;
      };
      expect(await ask(file.id)).toEqual(await ask(randomUUID()));
    }
    expect((await user.call("DELETE", `/files/${file.id}`)).status).toBe(204);
    expect((await user.call("GET", `/files/${file.id}`)).status).toBe(404);
    expect(await (await user.call("GET", `/task/${task?.id}`)).json()).toMatchObject({ status: "canceled" });
  });

  it("is listed by chat and status", async () => {
    const lister = await api.signUp();
    for (const chat of ["a", "a", "b"]) {
      await accepted(
        await send([text(`${randomUUID()}.txt`, randomUUID()), { name: "chat_id", value: chat }], {
          as: lister,
        }),
      );
    }
    const list = async (query: string) =>
      filePageSchema.parse(await (await lister.call("GET", `/files?${query}`)).json());
    expect((await list("chat_id=a")).data).toHaveLength(2);
    expect((await list("status=ready")).data).toHaveLength(0);
    const first = await list("limit=2");
    expect((await list(`limit=2&cursor=${first.next_cursor}`)).data).toHaveLength(1);
  });
});
