import type { Expression, Expressions } from "./expression.ts";

/** Which numbers a text may be. Bounds are included. */
export interface NumberRange {
  integer: boolean;
  least: number;
  most: number;
}

/** Digits before and after the point. Numbers are written without an exponent; larger ones are not written. */
const mostDigits = 15;
const largest = 10 ** mostDigits - 1;

/** An unsigned bound: its whole part, and the digits of the rest. */
interface Bound {
  whole: number;
  fraction: string;
}

/** The texts of the numbers of a range, compared digit by digit. */
export function createNumberText({
  byte,
  either,
  sequence,
  repeat,
  literal,
  empty,
  never,
  afterByte,
}: Expressions) {
  const digits = (from: number, to: number) => (from <= to ? byte([0x30 + from, 0x30 + to]) : never);
  const digit = digits(0, 9);
  const anyDigits = repeat(digit, 0, mostDigits);
  const digitAt = (text: string, index: number) => Number(text[index] ?? "0");

  /** Whole numbers of as many digits as both bounds have. */
  function sameLength(least: string, most: string, index = 0): Expression {
    const rest = least.length - index;
    if (/^0*$/.test(least.slice(index)) && /^9*$/.test(most.slice(index))) return repeat(digit, rest, rest);
    const [low, high] = [digitAt(least, index), digitAt(most, index)];
    if (low === high) return sequence(digits(low, low), sameLength(least, most, index + 1));
    return either(
      sequence(digits(low, low), sameLength(least, "9".repeat(least.length), index + 1)),
      sequence(digits(low + 1, high - 1), repeat(digit, rest - 1, rest - 1)),
      sequence(digits(high, high), sameLength("0".repeat(least.length), most, index + 1)),
    );
  }

  function whole(least: number, most: number): Expression {
    const options: Expression[] = [];
    for (let length = String(least).length; least <= most && length <= String(most).length; length += 1) {
      const smallest = length === 1 ? 0 : 10 ** (length - 1);
      options.push(sameLength(String(Math.max(least, smallest)), String(Math.min(most, 10 ** length - 1))));
    }
    return either(...options);
  }

  /** Digits after the point that stand for at least, or at most, those of a bound. None at all stand for zero. */
  function from(bound: string, index = 0): Expression {
    if (/^0*$/.test(bound.slice(index))) return anyDigits;
    const low = digitAt(bound, index);
    return either(
      sequence(digits(low, low), from(bound, index + 1)),
      sequence(digits(low + 1, 9), anyDigits),
    );
  }
  function upTo(bound: string, index = 0): Expression {
    if (index >= bound.length) return repeat(digits(0, 0), 0, mostDigits);
    const high = digitAt(bound, index);
    return either(
      empty,
      sequence(digits(0, high - 1), anyDigits),
      sequence(digits(high, high), upTo(bound, index + 1)),
    );
  }
  function between(least: string, most: string, index = 0): Expression {
    if (/^0*$/.test(least.slice(index))) return upTo(most, index);
    const [low, high] = [digitAt(least, index), digitAt(most, index)];
    if (low > high || index >= Math.max(least.length, most.length)) return never;
    if (low === high) return sequence(digits(low, low), between(least, most, index + 1));
    return either(
      sequence(digits(low, low), from(least, index + 1)),
      sequence(digits(low + 1, high - 1), anyDigits),
      sequence(digits(high, high), upTo(most, index + 1)),
    );
  }
  /** A point has a digit behind it at least. */
  const some = (fraction: Expression) =>
    either(
      ...[0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((value) =>
        sequence(digits(value, value), afterByte(fraction, 0x30 + value)),
      ),
    );
  const afterPoint = (fraction: Expression, isZero: boolean) =>
    either(isZero ? empty : never, sequence(literal("."), some(fraction)));

  function unsigned(integer: boolean, least: Bound, most: Bound): Expression {
    if (integer) return whole(least.whole + (least.fraction === "" ? 0 : 1), most.whole);
    const part = (value: number, fraction: Expression, isZero: boolean) =>
      sequence(literal(String(value)), afterPoint(fraction, isZero));
    const startsWhole = least.fraction === "";
    if (least.whole > most.whole) return never;
    if (least.whole === most.whole)
      return part(least.whole, between(least.fraction, most.fraction), startsWhole);
    return either(
      part(least.whole, from(least.fraction), startsWhole),
      sequence(whole(least.whole + 1, most.whole - 1), afterPoint(anyDigits, true)),
      part(most.whole, upTo(most.fraction), true),
    );
  }

  /** `never` when there is no number in the range, or none that is written in so many digits. */
  return function number({ integer, least, most }: NumberRange): Expression {
    if (least > most) return never;
    const positive = most < 0 ? never : unsigned(integer, boundOf(Math.max(0, least)), boundOf(most));
    const negative = least >= 0 ? never : unsigned(integer, boundOf(Math.max(0, -most)), boundOf(-least));
    return either(positive, sequence(literal("-"), negative));
  };
}

const decimal = new Intl.NumberFormat("en-US", { useGrouping: false, maximumFractionDigits: 100 });

/** @param value from 0 */
function boundOf(value: number): Bound {
  const [whole = "0", fraction = ""] = decimal.format(Math.min(value, largest)).split(".");
  return { whole: Number(whole), fraction };
}
