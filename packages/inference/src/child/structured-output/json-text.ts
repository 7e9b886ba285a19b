import type { Expression, Expressions } from "./expression.ts";
import { createNumberText } from "./number-range.ts";

/** How JSON is written: with as much white space as pretty printing needs, so that it cannot go on for ever. */
export function createJsonText(expressions: Expressions) {
  const number = createNumberText(expressions);
  const { byte, either, literal, repeat, sequence, empty } = expressions;
  const one = (...ranges: (number | [number, number])[]) =>
    byte(...ranges.map((range) => (typeof range === "number" ? ([range, range] as const) : range)));

  const space = either(empty, literal(" "), sequence(literal("\n"), repeat(literal(" "), 0, 20)));
  const continued = one([0x80, 0xbf]);
  const hex = one([0x30, 0x39], [0x41, 0x46], [0x61, 0x66]);
  const d = one(0x44, 0x64);
  /** Neither U+0000 nor lone surrogates: Postgres, and others, keep neither. */
  const escaped = either(
    one(0x22, 0x2f, 0x5c, 0x62, 0x66, 0x6e, 0x72, 0x74),
    sequence(
      literal("u"),
      either(
        sequence(one([0x31, 0x39], [0x41, 0x43], 0x45, 0x46, [0x61, 0x63], 0x65, 0x66), hex, hex, hex),
        sequence(d, one([0x30, 0x37]), hex, hex),
        sequence(literal("0"), one([0x31, 0x39], [0x41, 0x46], [0x61, 0x66]), hex, hex),
        sequence(literal("00"), one([0x31, 0x39], [0x41, 0x46], [0x61, 0x66]), hex),
        sequence(literal("000"), one([0x31, 0x39], [0x41, 0x46], [0x61, 0x66])),
        sequence(
          d,
          one(0x38, 0x39, 0x41, 0x42, 0x61, 0x62),
          hex,
          hex,
          literal("\\u"),
          d,
          one([0x43, 0x46], [0x63, 0x66]),
          hex,
          hex,
        ),
      ),
    ),
  );
  /** One character between quotes: well-formed UTF-8, or an escape. */
  const character = either(
    one(0x20, 0x21, [0x23, 0x5b], [0x5d, 0x7e]),
    sequence(literal("\\"), escaped),
    sequence(one([0xc2, 0xdf]), continued),
    sequence(one(0xe0), one([0xa0, 0xbf]), continued),
    sequence(one([0xe1, 0xec], 0xee, 0xef), continued, continued),
    sequence(one(0xed), one([0x80, 0x9f]), continued),
    sequence(one(0xf0), one([0x90, 0xbf]), continued, continued),
    sequence(one([0xf1, 0xf3]), continued, continued, continued),
    sequence(one(0xf4), one([0x80, 0x8f]), continued, continued),
  );

  const text = (least = 0, most = Number.POSITIVE_INFINITY) =>
    sequence(literal('"'), repeat(character, least, most), literal('"'));
  const enclosed = (open: string, inside: Expression, close: string) =>
    sequence(literal(open), space, inside, space, literal(close));
  const comma = sequence(space, literal(","), space);
  const colon = sequence(space, literal(":"), space);

  /** So many of the item, with commas between them; `before` are those that came already. */
  function list(item: Expression, least: number, most: number, before = 0): Expression {
    if (most <= before) return least > before ? expressions.never : empty;
    const further = repeat(
      sequence(comma, item),
      Math.max(0, least - Math.max(1, before)),
      most - Math.max(1, before),
    );
    if (before > 0) return further;
    const some = sequence(item, further);
    return least > 0 ? some : either(empty, some);
  }

  /** Any JSON value: defined once, under the name `any`. */
  function any(): Expression {
    const name = "any";
    const value = expressions.reference(name);
    if (!expressions.isDefined(name))
      expressions.define(name, either(object(value), array(value), ...scalars()));
    return value;
  }
  const scalars = () => [
    text(),
    number({ integer: false, least: Number.NEGATIVE_INFINITY, most: Number.POSITIVE_INFINITY }),
    literal("true"),
    literal("false"),
    literal("null"),
  ];
  const member = (key: Expression, value: Expression) => sequence(key, colon, value);
  const object = (value: Expression) =>
    enclosed("{", list(member(text(), value), 0, Number.POSITIVE_INFINITY), "}");
  const array = (value: Expression) => enclosed("[", list(value, 0, Number.POSITIVE_INFINITY), "]");

  return { number, character, text, enclosed, comma, colon, list, member, any, object };
}

export type JsonText = ReturnType<typeof createJsonText>;
