/** The encodings told apart; names as the WHATWG Encoding Standard has them. */
export type TextEncoding =
  | "utf-8"
  | "utf-16le"
  | "utf-16be"
  | "shift_jis"
  | "euc-jp"
  | "iso-2022-jp"
  | "windows-1252";

const sampleBytes = 256 * 1024;

/**
 * Tells a text's encoding: byte order mark, then ISO-2022-JP by its escapes, UTF-16 by its bytes' shape, UTF-8 by
 * being valid, Shift_JIS or EUC-JP by being valid and looking Japanese. What is none of them is windows-1252, which
 * holds Latin-1 and can decode anything.
 */
export function detectEncoding(bytes: Uint8Array): TextEncoding {
  const marked = detectByteOrderMark(bytes);
  if (marked) return marked;
  const sample = bytes.subarray(0, sampleBytes);
  const wide = detectUtf16(sample);
  if (wide) return wide;
  if (hasJapaneseEscapes(sample) && decodes(sample, "iso-2022-jp")) return "iso-2022-jp";
  if (decodes(sample, "utf-8")) return "utf-8";
  const shiftJis = japaneseScore(sample, "shift_jis");
  const eucJp = japaneseScore(sample, "euc-jp");
  if (Math.max(shiftJis, eucJp) < 0.5) return isMostlyUtf8(sample) ? "utf-8" : "windows-1252";
  return eucJp >= shiftJis ? "euc-jp" : "shift_jis";
}

/** Decodes a whole text; what can't be decoded becomes U+FFFD. The byte order mark is dropped. */
export function decodeText(bytes: Uint8Array, encoding: TextEncoding = detectEncoding(bytes)): string {
  return new TextDecoder(encoding).decode(bytes);
}

function detectByteOrderMark(bytes: Uint8Array): TextEncoding | undefined {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return "utf-8";
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return "utf-16le";
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return "utf-16be";
  return undefined;
}

/**
 * UTF-16 without a mark. In Western text every other byte is 0; in Japanese text line ends, digits and spaces still
 * make zeros on one side only, and kana and ideographs share few high bytes.
 */
function detectUtf16(sample: Uint8Array): TextEncoding | undefined {
  const length = sample.length - (sample.length % 2);
  if (length < 4) return undefined;
  let evenZeros = 0;
  let oddZeros = 0;
  let evenKana = 0;
  let oddKana = 0;
  for (let index = 0; index < length; index += 2) {
    const [even, odd] = [sample[index], sample[index + 1]];
    if (even === 0) evenZeros++;
    if (odd === 0) oddZeros++;
    if (even === 0x30) evenKana++;
    if (odd === 0x30) oddKana++;
  }
  const units = length / 2;
  const fits = (encoding: TextEncoding) => decodes(sample.subarray(0, length), encoding);
  if (oddZeros > units * 0.4 && evenZeros < oddZeros * 0.1) return fits("utf-16le") ? "utf-16le" : undefined;
  if (evenZeros > units * 0.4 && oddZeros < evenZeros * 0.1) return fits("utf-16be") ? "utf-16be" : undefined;
  // Kana's high byte is 0x30, an ASCII digit: it says UTF-16 only where no valid text has so many on one side.
  if (decodes(sample, "utf-8") && evenZeros + oddZeros === 0) return undefined;
  if (oddKana > units * 0.2 && evenKana < oddKana * 0.2 && fits("utf-16le")) return "utf-16le";
  if (evenKana > units * 0.2 && oddKana < evenKana * 0.2 && fits("utf-16be")) return "utf-16be";
  return undefined;
}

function hasJapaneseEscapes(sample: Uint8Array): boolean {
  for (let index = sample.indexOf(0x1b); index >= 0; index = sample.indexOf(0x1b, index + 1)) {
    const [first, second] = [sample[index + 1], sample[index + 2]];
    if (first === 0x24 && (second === 0x40 || second === 0x42)) return true;
  }
  return false;
}

/** Whether the sample is valid; it may end within a character. */
function decodes(sample: Uint8Array, encoding: TextEncoding): boolean {
  return tryDecode(sample, encoding) !== undefined;
}

function tryDecode(sample: Uint8Array, encoding: TextEncoding): string | undefined {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(sample, { stream: true });
  } catch {
    return undefined;
  }
}

/** Share of kana, common ideographs and full-width signs among the characters beyond ASCII; -1 when not valid. */
function japaneseScore(sample: Uint8Array, encoding: TextEncoding): number {
  const text = tryDecode(sample, encoding);
  if (text === undefined) return -1;
  let beyondAscii = 0;
  let japanese = 0;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    if (code < 0x80) continue;
    beyondAscii++;
    // Half-width katakana (U+FF61…) is what EUC-JP and Latin-1 look like when read as Shift_JIS: it counts for little.
    if (code >= 0x3040 && code <= 0x30ff) japanese += 1;
    else if (code >= 0x3000 && code <= 0x303f) japanese += 1;
    else if (code >= 0x4e00 && code <= 0x9fff) japanese += 0.7;
    else if (code >= 0xff01 && code <= 0xff60) japanese += 0.8;
    else if (code >= 0xff61 && code <= 0xff9f) japanese += 0.1;
  }
  return beyondAscii === 0 ? -1 : japanese / beyondAscii;
}

/** UTF-8 with a few broken bytes: nearly all of what is beyond ASCII still decodes. */
function isMostlyUtf8(sample: Uint8Array): boolean {
  let broken = 0;
  let whole = 0;
  for (const character of new TextDecoder("utf-8").decode(sample, { stream: true })) {
    if (character === "\ufffd") broken++;
    else if (character > "\u007f") whole++;
  }
  return whole > broken * 10;
}
