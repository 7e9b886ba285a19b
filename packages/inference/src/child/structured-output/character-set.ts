import type { Expression, Expressions } from "./expression.ts";

/** Characters of a regular expression. */
export interface CharacterSet {
  readonly codes: ReadonlySet<number>;
  /** With the characters outside ASCII, as far as they are written here. */
  readonly wide: boolean;
}

const mostCodes = 1000;
const printable: readonly [number, number] = [0x20, 0x7e];

/** @param ranges with both ends; undefined when they are too many characters to be written one by one */
export function setOf(...ranges: (readonly [number, number])[]): CharacterSet | undefined {
  if (ranges.some(([from, to]) => to - from >= mostCodes)) return undefined;
  const codes = ranges.flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, i) => from + i));
  return { codes: new Set(codes), wide: false };
}

const ascii = (ranges: (readonly [number, number])[], wide = false): CharacterSet => ({
  codes: setOf(...ranges)?.codes ?? new Set(),
  wide,
});
export const join = (one: CharacterSet, other: CharacterSet): CharacterSet => ({
  codes: one.codes.union(other.codes),
  wide: one.wide || other.wide,
});
/** Without control characters: who excludes some characters does not ask for those. */
export const negate = ({ codes, wide }: CharacterSet): CharacterSet => ({
  codes: ascii([printable]).codes.difference(codes),
  wide: !wide && [...codes].every((code) => code < 0x80),
});

const digits = ascii([[0x30, 0x39]]);
const word = ascii([
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
]);
const space = ascii([
  [0x09, 0x0d],
  [0x20, 0x20],
]);
const only = (code: number) => ascii([[code, code]]);

/** What stands for several characters, or for one that is not written as it is. */
export const shorthands: Readonly<Record<string, CharacterSet>> = {
  d: digits,
  D: negate(digits),
  w: word,
  W: negate(word),
  s: space,
  S: negate(space),
  t: only(0x09),
  n: only(0x0a),
  v: only(0x0b),
  f: only(0x0c),
  r: only(0x0d),
};
export const anyCharacter = ascii([printable], true);

/** How a character of the set is written between the quotes of a JSON text: each in one way. */
export function writtenAs(
  { byte, either, literal, sequence, never }: Expressions,
  set: CharacterSet,
): Expression {
  const more = byte([0x80, 0xbf]);
  // Two and three bytes of UTF-8, but for those that a regular expression takes for white space or a line's end.
  const wide = [
    sequence(byte([0xc2, 0xc2]), byte([0xa1, 0xbf])),
    sequence(byte([0xc3, 0xdf]), more),
    sequence(byte([0xe0, 0xe0]), byte([0xa0, 0xbf]), more),
    sequence(byte([0xe1, 0xe1]), byte([0x80, 0x99], [0x9b, 0xbf]), more),
    sequence(byte([0xe2, 0xe2]), byte([0x80, 0x80]), byte([0x90, 0xa7])),
    sequence(byte([0xe2, 0xe2]), byte([0x82, 0xbf]), more),
    sequence(byte([0xe3, 0xe3]), byte([0x80, 0x80]), byte([0x81, 0xbf])),
    sequence(byte([0xe3, 0xe3]), byte([0x81, 0xbf]), more),
    sequence(byte([0xe4, 0xec], [0xee, 0xee]), more, more),
    sequence(byte([0xed, 0xed]), byte([0x80, 0x9f]), more),
    sequence(byte([0xef, 0xef]), byte([0x80, 0xba], [0xbc, 0xbf]), more),
  ];
  // Neither U+0000 nor halves of surrogate pairs.
  const codes = [...set.codes]
    .filter((code) => code > 0 && (code < 0xd800 || code > 0xdfff))
    .sort((a, b) => a - b);
  const raw = codes.filter((code) => code >= 0x20 && code <= 0x7e && code !== 0x22 && code !== 0x5c);
  const others = codes.filter((code) => !raw.includes(code));
  return either(
    raw.length > 0 ? byte(...rangesOf(raw)) : never,
    ...others.map((code) => literal(JSON.stringify(String.fromCharCode(code)).slice(1, -1))),
    ...(set.wide ? wide : []),
  );
}

/** @param codes ascending */
function rangesOf(codes: readonly number[]): [number, number][] {
  const ranges: [number, number][] = [];
  for (const code of codes) {
    const last = ranges.at(-1);
    if (last && last[1] === code - 1) last[1] = code;
    else ranges.push([code, code]);
  }
  return ranges;
}
