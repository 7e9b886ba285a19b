import Encoding from "encoding-japanese";
import { expect, test } from "vitest";
import { decodeText, detectEncoding } from "./decode-text.ts";

const japanese = "吾輩は猫である。名前はまだ無い。\nどこで生れたか頓と見当がつかぬ。ABC 123、カタカナ。\n";
const shortJapanese = "日本語";
const western = "Ça coûte 20 € — voilà l’été à Zürich: “naïve” façade, Ærøskøbing.\n";

const bytesOf = (text: string, to: "SJIS" | "EUCJP" | "JIS") =>
  Uint8Array.from(Encoding.convert(Encoding.stringToCode(text), { to, from: "UNICODE" }));
const utf16 = (text: string, mark: string) => new Uint8Array(Buffer.from(mark + text, "utf16le"));
const swap = (bytes: Uint8Array) => new Uint8Array(Buffer.from(bytes).swap16());

test.each([
  ["utf-8", japanese, new TextEncoder().encode(japanese)],
  ["utf-8", japanese, new TextEncoder().encode(`\ufeff${japanese}`)],
  ["utf-8", western, new TextEncoder().encode(western)],
  ["utf-16le", japanese, utf16(japanese, "\ufeff")],
  ["utf-16be", japanese, swap(utf16(japanese, "\ufeff"))],
  ["utf-16le", western, utf16(western, "")],
  ["utf-16be", western, swap(utf16(western, ""))],
  ["utf-16le", japanese, utf16(japanese, "")],
  ["utf-16be", japanese, swap(utf16(japanese, ""))],
  ["shift_jis", japanese, bytesOf(japanese, "SJIS")],
  ["euc-jp", japanese, bytesOf(japanese, "EUCJP")],
  ["iso-2022-jp", japanese, bytesOf(japanese, "JIS")],
  ["shift_jis", shortJapanese, bytesOf(shortJapanese, "SJIS")],
  ["euc-jp", shortJapanese, bytesOf(shortJapanese, "EUCJP")],
  ["windows-1252", "Zürich, Café, ÄÖÜ äöü ß ñ", Buffer.from("Zürich, Café, ÄÖÜ äöü ß ñ", "latin1")],
  ["windows-1252", "It\u2019s \u20ac5", Uint8Array.from([0x49, 0x74, 0x92, 0x73, 0x20, 0x80, 0x35])],
] as const)("%s: %j", (encoding, text, bytes) => {
  expect(detectEncoding(bytes)).toBe(encoding);
  expect(decodeText(bytes)).toBe(text);
});

test("a sample may end within a character", () => {
  const bytes = new TextEncoder().encode("あ".repeat(200_000));
  expect(detectEncoding(bytes)).toBe("utf-8");
  expect(detectEncoding(bytes.subarray(0, 1000))).toBe("utf-8");
});

test("a broken byte does not turn UTF-8 into something else", () => {
  const bytes = new TextEncoder().encode(japanese.repeat(10));
  bytes[100] = 0xff;
  expect(detectEncoding(bytes)).toBe("utf-8");
});
