import { expect, it } from "vitest";
import { explainJson } from "./explain-json.ts";

it.each([
  ["", "The body is empty; send a JSON object."],
  [" \n", "The body is empty; send a JSON object."],
  ['{"text": "a', "The JSON is malformed: Unterminated string at position 11 (line 1 column 12)."],
  ['{"secret": 1,}', /^The JSON is malformed: Expected double-quoted property name at position 13 /],
  ['{"secret": ', "The JSON is malformed: it ends too early."],
  ["secret=1", "The JSON is malformed: a character is not allowed where it stands."],
  ['{"secret": secret}', "The JSON is malformed: a character is not allowed where it stands."],
])("%j is explained, and not repeated", (body, expected) => {
  const text = explainJson(body);
  expect(text).toEqual(typeof expected === "string" ? expected : expect.stringMatching(expected));
  expect(text).not.toContain("secret");
});
