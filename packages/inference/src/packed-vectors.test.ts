import { deserialize, serialize } from "node:v8";
import { expect, it } from "vitest";
import { packVectors, unpackVectors } from "./packed-vectors.ts";

const answer = (texts: number) => ({
  vectors: Array.from({ length: texts }, (_, index) => Float32Array.of(index, index + 0.5, -index)),
  tokens: new Array<number>(texts).fill(3),
  truncatedTokens: new Array<number>(texts).fill(0),
});

it.each([0, 1, 512])("gives the vectors of %i texts back, and sends one array", (texts) => {
  const sent: ReturnType<typeof packVectors> = deserialize(serialize(packVectors(answer(texts))));
  expect(sent.packed).toHaveLength(3 * texts);
  expect(unpackVectors(sent)).toEqual(answer(texts));
});
