import fc from "fast-check";
import { expect, test } from "vitest";
import { createExpressions } from "./expression.ts";
import { createNumberText } from "./number-range.ts";

const bound = fc.oneof(
  fc.integer({ min: -1500, max: 1500 }),
  fc.integer({ min: -200_000, max: 200_000 }).map((parts) => parts / 1000),
  fc.constantFrom(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, 0, 1e-9, 9007199254740991),
);
const text = fc.oneof(
  fc.integer({ min: -2000, max: 2000 }).map(String),
  fc.integer({ min: -300_000, max: 300_000 }).map((parts) => String(parts / 1000)),
  fc.integer({ min: -3000, max: 3000 }).map((parts) => (parts / 10).toFixed(3)),
  fc.stringMatching(/^[-.0-9]{0,5}$/),
);

test("a range has the numbers between its bounds, both included, and nothing else", () => {
  fc.assert(
    fc.property(
      bound,
      bound,
      fc.boolean(),
      fc.array(text, { minLength: 20, maxLength: 40 }),
      (a, b, integer, texts) => {
        const range = { integer, least: Math.min(a, b), most: Math.max(a, b) };
        const expressions = createExpressions(100_000, () => {});
        const start = createNumberText(expressions)(range);
        for (const candidate of [...texts, String(range.least), String(range.most)]) {
          // Zero may be written with a sign where there are negative numbers, and need not.
          if (/^-[0.]+$/.test(candidate)) continue;
          let place = start;
          for (const character of candidate) place = expressions.afterByte(place, character.charCodeAt(0));
          const isNumber = integer ? /^-?(0|[1-9]\d*)$/ : /^-?(0|[1-9]\d*)(\.\d+)?$/;
          const value = Number(candidate);
          const expected =
            isNumber.test(candidate) && value >= range.least && value <= range.most && Math.abs(value) < 1e15;
          expect(expressions.canEnd(place), `${candidate} in ${JSON.stringify(range)}`).toBe(expected);
        }
      },
    ),
    { numRuns: 300 },
  );
});
