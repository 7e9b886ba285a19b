import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { deflateSync } from "node:zlib";
import { PDFDocument } from "@cantoo/pdf-lib";
import type { MediaType } from "@genq/contract";
import Encoding from "encoding-japanese";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { parseDocument } from "./parse-document.ts";
import { docxParagraph, writeRawDocx } from "./testing/raw-docx.ts";
import { namedJapaneseFont, showLines, writeRawPages, writeRawPdf } from "./testing/raw-pdf.ts";
import type { DocumentPart, ParseDocumentOptions } from "./types.ts";

const docx = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "genq-documents-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

let files = 0;
async function parse(
  bytes: Uint8Array | string,
  mediaType: MediaType = "application/pdf",
  options: Partial<ParseDocumentOptions> = {},
): Promise<DocumentPart[]> {
  const file = path.join(folder, `${++files}.bin`);
  await writeFile(file, bytes);
  const parts: DocumentPart[] = [];
  for await (const part of parseDocument({ path: file, mediaType, ...options })) parts.push(part);
  return parts;
}

const textOf = (parts: DocumentPart[]) =>
  parts.map((part) => (part.kind === "text" ? part.text : `!${part.detail}`));
const pageOf = (...lines: string[]) => ({ operators: showLines(lines.map((line) => `(${line})`)) });
const threePages = writeRawPages([pageOf("One."), pageOf("Two."), pageOf("Three.")]);

describe("PDF", () => {
  test("page by page, with paragraphs and without broken words", async () => {
    const pdf = writeRawPages([
      pageOf(
        "The machine cleans itself every morn-",
        "ing at seven, and rests on each of the",
        "Sundays.",
        "Short.",
        "Next line.",
      ),
      pageOf("Page two."),
    ]);
    expect(await parse(pdf)).toEqual([
      {
        kind: "text",
        part: 1,
        parts: 2,
        page: 1,
        charOffset: 0,
        text: "The machine cleans itself every morning at seven, and rests on each of the Sundays.\nShort.\nNext line.",
      },
      { kind: "text", part: 2, parts: 2, page: 2, charOffset: 0, text: "Page two." },
    ]);
  });

  test("Japanese in fonts that are not embedded: the character maps are found offline", async () => {
    const hex = (bytes: Uint8Array) => `<${Buffer.from(bytes).toString("hex")}>`;
    const shiftJis = (text: string) =>
      hex(Uint8Array.from(Encoding.convert(Encoding.stringToCode(text), { to: "SJIS", from: "UNICODE" })));
    const lines = ["日本語の文書です。この行は長く", "次の行に続きます。", "終わり。"].map(shiftJis);
    const pdf = writeRawPages([{ operators: showLines(lines) }], namedJapaneseFont("90ms-RKSJ-H"));
    expect(textOf(await parse(pdf))).toEqual(["日本語の文書です。この行は長く次の行に続きます。\n終わり。"]);
    const utf16 = hex(Buffer.from("吾輩は猫である。", "utf16le").swap16());
    const other = writeRawPages([{ operators: showLines([utf16]) }], namedJapaneseFont("UniJIS-UTF16-H"));
    expect(textOf(await parse(other))).toEqual(["吾輩は猫である。"]);
  });

  test("Japanese written from top to bottom", async () => {
    const columns = ["吾輩は猫である。名前は", "まだ無い。どこで生れたか", "とんと見当がつかぬ。"].map(
      (text, index) => {
        const hex = Buffer.from(text, "utf16le").swap16().toString("hex");
        return `1 0 0 1 ${500 - index * 20} 760 Tm <${hex}> Tj`;
      },
    );
    const pdf = writeRawPages(
      [{ operators: `BT /F1 12 Tf ${columns.join(" ")} ET` }],
      namedJapaneseFont("UniJIS-UTF16-V"),
    );
    expect(textOf(await parse(pdf))).toEqual([
      "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。",
    ]);
  });

  test("headers and footers that recur, or count, are dropped; other edges stay", async () => {
    const pages = Array.from({ length: 6 }, (_, index) =>
      pageOf(
        "Handbook of the machine",
        `Only on page ${"abcdef"[index]}.`,
        "Body of the page.",
        `Version 2 - Page ${index + 1} of 6`,
      ),
    );
    const texts = textOf(await parse(writeRawPages(pages)));
    expect(texts[3]).toContain("Only on page d.");
    for (const text of texts) expect(text).not.toMatch(/Handbook|Version/);
  });

  test("a damaged page is named, and the rest goes on", async () => {
    const good = deflateSync(showLines(["(Good.)"]));
    const bad = Buffer.from(good).fill(0, 4);
    const pdf = writeRawPages([good, bad, good].map((operators) => ({ operators, filter: "FlateDecode" })));
    const [, second, third] = await parse(pdf);
    expect(second).toEqual({
      kind: "failed",
      part: 2,
      parts: 3,
      page: 2,
      detail: expect.stringContaining("Page 2 "),
    });
    expect(third).toMatchObject({ kind: "text", text: "Good." });
  });

  test("goes on from a later page", async () => {
    expect(textOf(await parse(threePages, "application/pdf", { firstPart: 3 }))).toEqual(["Three."]);
    expect(await parse(threePages, "application/pdf", { firstPart: 4 })).toEqual([]);
  });

  test("is made by a library", async () => {
    const pdf = await PDFDocument.create();
    pdf.addPage().drawText("Written by pdf-lib.");
    expect(textOf(await parse(await pdf.save()))).toEqual(["Written by pdf-lib."]);
  });

  test("encrypted", async () => {
    const pdf = await PDFDocument.create();
    pdf.addPage().drawText("secret");
    pdf.encrypt({ userPassword: "u", ownerPassword: "o" });
    await expect(parse(await pdf.save())).rejects.toMatchObject({ code: "document_encrypted" });
  });

  const scan = writeRawPages([{ operators: "q 100 0 0 100 0 0 cm BI /W 1 /H 1 /CS /G /BPC 8 ID \x80 EI Q" }]);
  test.each([
    ["of 0 bytes", new Uint8Array(0), "document_empty", /no bytes/],
    ["cut in half", threePages.subarray(0, threePages.length / 2), "document_corrupt", /damaged or cut off/],
    ["of noise", "%PDF-1.7\nnothing of the kind", "document_corrupt", /damaged/],
    ["scanned", scan, "document_no_text", /OCR/],
    [
      "all damaged",
      writeRawPages([{ operators: "garbage", filter: "FlateDecode" }]),
      "document_corrupt",
      /None of/,
    ],
  ])("%s", async (_name, bytes, code, detail) => {
    await expect(parse(bytes)).rejects.toMatchObject({ code, message: expect.stringMatching(detail) });
  });

  test("of too many pages", async () => {
    const limits = { maxPages: 2 };
    await expect(parse(threePages, "application/pdf", { limits })).rejects.toMatchObject({
      code: "document_too_large",
    });
  });
});

describe("DOCX", () => {
  test("headings, paragraphs, and no page to cite", async () => {
    const body =
      docxParagraph("Title &amp; more", "Heading1") + docxParagraph("本文です。") + docxParagraph("End.");
    expect(await parse(writeRawDocx(body), docx)).toEqual([
      {
        kind: "text",
        part: 1,
        parts: 1,
        page: null,
        charOffset: 0,
        text: "# Title & more\n\n本文です。\n\nEnd.",
      },
    ]);
  });

  test("of 10,000 pages", async () => {
    const page = docxParagraph("A paragraph of a page, with words. ".repeat(8));
    const parts = await parse(writeRawDocx(page.repeat(10_000)), docx).catch((error: unknown) => error);
    if (Array.isArray(parts)) expect(parts.length).toBeGreaterThan(100);
    else expect(parts).toMatchObject({ code: "document_too_large" });
  });

  const zeros = new Uint8Array(64 * 1024 * 1024);
  test.each([
    [
      "a bomb by ratio",
      writeRawDocx("", { "word/bomb.xml": [zeros, { level: 9 }] }),
      {},
      "document_too_large",
    ],
    [
      "a bomb by size",
      writeRawDocx("", { "word/a.bin": [zeros, { level: 1 }] }),
      { maxInflatedBytes: 1e6 },
      "document_too_large",
    ],
    ["cut in half", writeRawDocx(docxParagraph("x")).subarray(0, 700), {}, "document_corrupt"],
    ["without its document", writeRawDocx("<w:p>").subarray(0, 0), {}, "document_empty"],
    ["malformed", writeRawDocx("<w:p><w:r>"), {}, "document_corrupt"],
    ["without text", writeRawDocx(docxParagraph(" ")), {}, "document_no_text"],
  ])("%s", async (_name, bytes, limits, code) => {
    await expect(parse(bytes, docx, { limits })).rejects.toMatchObject({ code });
  });
});

function isRunning(processId: number): boolean {
  try {
    return process.kill(processId, 0);
  } catch {
    return false;
  }
}

async function childrenOf(parent: number): Promise<number[]> {
  const listed = await readFile(`/proc/${parent}/task/${parent}/children`, "utf8");
  return listed.split(" ").filter(Boolean).map(Number);
}

describe("the child", () => {
  const long = "A sentence. ".repeat(200_000);

  test("a reader that takes longer than it may", async () => {
    const limits = { partTimeoutMs: 50 };
    await expect(parse(long, "text/plain", { limits })).rejects.toMatchObject({
      code: "document_parse_timeout",
    });
  });

  /** Each form draws the next ten times: a page of 10 billion lines. */
  const endless = writeRawPdf([
    { body: "<< /Type /Catalog /Pages 2 0 R >>" },
    { body: "<< /Type /Pages /Count 1 /Kids [3 0 R] >>" },
    {
      body: "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R /Resources << /XObject << /X 5 0 R >> >> >>",
    },
    { body: "<< >>", stream: "/X Do" },
    ...Array.from({ length: 10 }, (_, level) => ({
      body: `<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /Font << /F1 15 0 R >> /XObject << /X ${Math.min(6 + level, 14)} 0 R >> >> >>`,
      stream: level === 9 ? "BT /F1 1 Tf (a) Tj ET" : "/X Do ".repeat(10),
    })),
    { body: "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>" },
  ]);

  test("a hang does not outlive its deadline", async () => {
    const startedAt = performance.now();
    const hanging = parse(endless, "application/pdf", { limits: { timeoutMs: 2000 } });
    await expect(hanging).rejects.toMatchObject({ code: "document_parse_timeout" });
    expect(performance.now() - startedAt).toBeLessThan(4000);
  });

  test.skipIf(process.platform !== "linux")("a crash that no document caused is told apart", async () => {
    const before = new Set(await childrenOf(process.pid));
    const crashing = parse(endless, "application/pdf");
    const child = await vi.waitUntil(
      async () => (await childrenOf(process.pid)).find((pid) => !before.has(pid)),
      { timeout: 5000 },
    );
    process.kill(child, "SIGSEGV");
    await expect(crashing).rejects.toMatchObject({ code: "parser_crashed" });
  });

  test("more heap than it may have", async () => {
    const json = `[${'{"a":[]},'.repeat(2_000_000)}1]`;
    const limits = { maxHeapBytes: 64 * 1024 * 1024 };
    await expect(parse(json, "application/json", { limits })).rejects.toMatchObject({
      code: "document_too_large",
    });
  });

  test("a page that inflates without end", async () => {
    const bomb = deflateSync(deflateSync(Buffer.alloc(250 * 1024 * 1024, " "), { level: 9 }), { level: 9 });
    const pdf = writeRawPages([{ operators: bomb, filter: "FlateDecode /FlateDecode" }]);
    const limits = { maxMemoryBytes: 220 * 1024 * 1024 };
    await expect(parse(pdf, "application/pdf", { limits })).rejects.toMatchObject({
      code: "document_too_large",
    });
  });

  test("more resident memory than it may have", async () => {
    const limits = { maxMemoryBytes: 120 * 1024 * 1024 };
    await expect(parse(long.repeat(20), "text/plain", { limits })).rejects.toMatchObject({
      code: "document_too_large",
    });
  });

  test.skipIf(process.platform !== "linux")("a hanging child does not outlive a killed parent", async () => {
    const file = path.join(folder, "endless.pdf");
    await writeFile(file, endless);
    const script = `
      import { parseDocument } from ${JSON.stringify(new URL("./parse-document.ts", import.meta.url).href)};
      for await (const _ of parseDocument({ path: ${JSON.stringify(file)}, mediaType: "application/pdf" }));
    `;
    const parent = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: "ignore" });
    const readChildren = () => readFile(`/proc/${parent.pid}/task/${parent.pid}/children`, "utf8");
    await expect.poll(readChildren).toMatch(/\d/);
    const child = Number(await readChildren());
    // Until the parser hangs in earnest, the closed channel alone would end it.
    await new Promise((resolve) => setTimeout(resolve, 2000));
    parent.kill("SIGKILL");
    await expect.poll(() => isRunning(child)).toBe(false);
  });

  test("an abort ends it with the signal's reason", async () => {
    const controller = new AbortController();
    const reason = new Error("canceled");
    const parsing = parse(endless, "application/pdf", { signal: controller.signal });
    setTimeout(() => controller.abort(reason), 300);
    await expect(parsing).rejects.toBe(reason);
    await expect(parse("x", "text/plain", { signal: controller.signal })).rejects.toBe(reason);
  });

  test("a slow consumer is waited for, and leaving early ends the child", async () => {
    const file = path.join(folder, "slow.txt");
    await writeFile(file, long);
    const limits = { timeoutMs: 10_000, partTimeoutMs: 10_000 };
    let taken = 0;
    for await (const part of parseDocument({ path: file, mediaType: "text/plain", limits })) {
      expect(part.part).toBe(++taken);
      if (taken < 3) await new Promise((resolve) => setTimeout(resolve, 5200));
      if (taken === 20) break;
    }
    expect(taken).toBe(20);
  });
});
