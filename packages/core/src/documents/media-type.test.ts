import { strToU8, zipSync } from "fflate";
import { describe, expect, test } from "vitest";
import { detectMediaType } from "./media-type.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const detect = (head: Uint8Array, name?: string, complete = true) =>
  detectMediaType(head, { name, complete });
const docx = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

describe("what is supported", () => {
  test.each([
    ["%PDF-1.7\n…", undefined, "application/pdf"],
    ["\n\n%PDF-1.4\n", "a.txt", "application/pdf"],
    ["<!-- x --><!DOCTYPE html><html>", "a.txt", "text/html"],
    ["  <HTML lang=ja>", undefined, "text/html"],
    ["<?xml version='1.0'?><html xmlns='x'></html>", undefined, "text/html"],
    ["<p>part of a page</p>", "a.html", "text/html"],
    ['{"a": [1, 2]}', undefined, "application/json"],
    ["[1, 2, 3]", "a.txt", "application/json"],
    ['"text"', "a.json", "application/json"],
    ['{"a": [1, 2', "a.json", "text/plain"],
    ["[link](to) and more", undefined, "text/plain"],
    ["[1] a footnote", "a.md", "text/markdown"],
    ["a,b\n1,2\n3,4\n", undefined, "text/csv"],
    ["a;b\n1;2\n", "a.CSV", "text/csv"],
    ["Well, it is.\nSo, it was.\nBut, it will, be.\n", undefined, "text/plain"],
    ["# Title\n\n- one\n- two\n", undefined, "text/markdown"],
    ["# Title\n\n- one\n- two\n", "a.txt", "text/plain"],
    ["plain", "../../etc/passwd", "text/plain"],
    ["BM25 ranks. MZ and ID3 are letters.", "a.txt", "text/plain"],
    ["one \0 NUL in a text", "a.txt", "text/plain"],
  ])("%j named %s is %s", async (text, name, mediaType) => {
    expect(await detect(bytes(text), name)).toBe(mediaType);
  });

  test("the head of a long JSON", async () => {
    expect(await detect(bytes('{"a": "bcd'), "x", false)).toBe("application/json");
    expect(await detect(bytes("[".repeat(100_000)), "x", false)).toBe("application/json");
  });

  test("DOCX by its parts", async () => {
    const zip = zipSync({ "[Content_Types].xml": strToU8("<Types/>"), "word/document.xml": strToU8("<w/>") });
    expect(await detect(zip, "a.zip")).toBe(docx);
  });

  test("DOCX whose main part lies beyond the head", async () => {
    const zip = zipSync({ "[Content_Types].xml": strToU8("<Types/>"), "word/document.xml": strToU8("<w/>") });
    expect(await detect(zip.subarray(0, 60), undefined, false)).toBe(docx);
  });
});

test.each([
  ["UTF-16", Buffer.from("\ufeff日本語の文章です。", "utf16le")],
  ["Shift_JIS", Buffer.from("93fa967b8cea82cc95b68fcd82c582b78142", "hex")],
  ["Latin-1", Buffer.from("Où est le café à Zürich?", "latin1")],
])("text in %s", async (_name, head) => {
  expect(await detect(head)).toBe("text/plain");
});

const oldOffice = (name: string) =>
  Buffer.concat([
    Buffer.from("d0cf11e0a1b11ae1", "hex"),
    Buffer.alloc(504),
    Buffer.from(name, "utf16le"),
    Buffer.alloc(512),
  ]);

test("an Office file with a password, and one from before 2007", async () => {
  await expect(detect(oldOffice("EncryptedPackage"), "a.docx")).rejects.toMatchObject({
    code: "document_encrypted",
  });
  await expect(detect(oldOffice("WordDocument"), "a.doc")).rejects.toMatchObject({
    code: "unsupported_media_type",
  });
});

describe("what is refused", () => {
  test.each([
    ["no bytes", new Uint8Array(0)],
    ["white space", bytes(" \n\t\u3000")],
  ])("%s is document_empty", async (_name, head) => {
    await expect(detect(head, "a.pdf")).rejects.toMatchObject({ code: "document_empty" });
  });

  const sheet = zipSync({ "[Content_Types].xml": strToU8("<Types/>"), "xl/workbook.xml": strToU8("<w/>") });
  test.each([
    ["a ZIP called .pdf", zipSync({ "a.txt": strToU8("hello") }), "a.pdf", /ZIP archive/],
    ["a workbook called .docx", sheet, "a.docx", /XLSX/],
    [
      "an executable called .txt",
      Buffer.from(`\x7fELF\x02\x01\x01${"\0".repeat(60)}`, "latin1"),
      "a.txt",
      /elf/,
    ],
    ["a PNG", Buffer.from("89504e470d0a1a0a0000000d49484452", "hex"), "a.png", /image\/png/],
    ["RTF", bytes("{\\rtf1 hello}"), "a.rtf", /rtf/],
    [
      "noise",
      Uint8Array.from({ length: 4096 }, (_, index) => (index * 7919 * (index % 251)) % 256),
      "a.md",
      /binary/,
    ],
  ])("%s", async (_name, head, name, detail) => {
    await expect(detect(head, name)).rejects.toMatchObject({
      code: "unsupported_media_type",
      message: expect.stringMatching(detail),
    });
  });
});

test.each([
  ["comments", "<!-- -->".repeat(8000)],
  ["brackets", "[".repeat(64_000)],
  ["tags", "<a".repeat(32_000)],
  ["hashes", "# ".repeat(32_000)],
  ["spaces", `${" ".repeat(64_000)}x`],
  ["quotes", '"'.repeat(64_000)],
])("hostile %s cost no time", async (_name, text) => {
  const startedAt = process.threadCpuUsage();
  await detect(bytes(text), undefined, false).catch(() => undefined);
  expect(process.threadCpuUsage(startedAt).user / 1000).toBeLessThan(500);
});

test("many small uploads of empty lines cost no time either", async () => {
  const head = bytes(`x${"\n".repeat(60_000)}x`);
  const startedAt = process.threadCpuUsage();
  for (let count = 0; count < 10; count++) await detect(head, undefined, false);
  expect(process.threadCpuUsage(startedAt).user / 1000).toBeLessThan(1000);
});
