import { expect, it } from "vitest";
import { checkFileName } from "./file-name.ts";

it.each([
  "a.pdf",
  "報告書 2026年.pdf",
  "🦆.md",
  "..a",
  "a..b",
  "a b.txt",
  "a".repeat(255),
  "🦆".repeat(255),
  '"q".txt',
])("takes %j", (name) => {
  expect(checkFileName(name)).toBe(name);
});

it("keeps one form of a name that has two", () => {
  expect(checkFileName("か\u3099.txt")).toBe("が.txt");
});

it("takes no time over thousands of combining marks", () => {
  const begun = process.threadCpuUsage();
  expect(() => checkFileName("\u0301\u0316".repeat(50_000))).toThrow("255");
  expect(process.threadCpuUsage(begun).user / 1000).toBeLessThan(500);
});

it.each([
  undefined,
  "",
  "  ",
  "../a.pdf",
  "a/b.pdf",
  "..\\a.pdf",
  "C:\\a.pdf",
  "..",
  ".",
  "a\u0000.pdf",
  "a\nb.pdf",
  "a\u0085.pdf",
  "a".repeat(256),
  "あ".repeat(300),
])("refuses %j", (name) => {
  expect(() => checkFileName(name)).toThrow(expect.objectContaining({ code: "invalid_request" }));
});
