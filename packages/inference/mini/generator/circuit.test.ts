import { expect, it } from "vitest";
import { buildLayers } from "./circuit.ts";
import { readTokens } from "./files.ts";
import {
  CONSTANT,
  frequency,
  HALF_HEAD,
  HEAD_SIZE,
  HIDDEN_SIZE,
  IS_BOS,
  IS_OPENING,
  IS_QUESTION,
  type Span,
} from "./layout.ts";
import { readRelevance } from "./relevance.ts";

const [findStretch] = buildLayers(readRelevance(readTokens().length));

/** What a token's stream gives to the first head, turned by its position as RoPE does. */
function project(matrix: Float32Array, marks: readonly Span[], position: number): Float32Array {
  const columns = matrix.length / HIDDEN_SIZE;
  const head = Float32Array.from({ length: HEAD_SIZE }, (_, column) =>
    [CONSTANT, ...marks].reduce((sum, { start }) => sum + (matrix[start * columns + column] ?? 0), 0),
  );
  return head.map((value, i) => {
    const angle = position * frequency(i % HALF_HEAD);
    const other = i < HALF_HEAD ? -(head[i + HALF_HEAD] ?? 0) : (head[i - HALF_HEAD] ?? 0);
    return value * Math.cos(angle) + other * Math.sin(angle);
  });
}

it("takes no token of the question for one of the begin token's, which is as near", () => {
  if (!findStretch) throw new Error("no layer");
  const { query, key } = findStretch.attention;
  const begin = project(key, [IS_BOS, IS_OPENING], 0);
  const question = project(key, [IS_QUESTION, IS_OPENING], 1);
  for (const position of [2, 20, 200]) {
    const asking = project(query, [], position);
    const score = (looked: Float32Array) =>
      asking.reduce((sum, value, i) => sum + value * (looked[i] ?? 0), 0);
    expect(score(question) - score(begin)).toBeGreaterThan(30);
  }
});
