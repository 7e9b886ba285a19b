import { expect, test } from "vitest";
import { arrayTypes } from "./array-types.ts";

test("texts survive the way there and back, whatever is in them", () => {
  const texts = ["", "NULL", "null", 'a "b"', "\\", "a,b", "{c}", " ", "日本語", "line\nbreak"];
  expect(arrayTypes.texts.parse(arrayTypes.texts.serialize(texts))).toEqual(texts);
  expect(arrayTypes.texts.serialize(["a", null])).toBe('{"a",NULL}');
  expect(arrayTypes.texts.serialize([])).toBe("{}");
  expect(() => arrayTypes.texts.serialize(["a", undefined])).toThrow("undefined");
});

test("integers are numbers", () => {
  expect(arrayTypes.integers.parse("{1,-2}")).toEqual([1, -2]);
  expect(arrayTypes.integers.serialize([1, -2])).toBe('{"1","-2"}');
});
