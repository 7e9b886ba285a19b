import { expect, it } from "vitest";
import { joinPdfLines } from "./pdf-paragraphs.ts";

const page = (...texts: string[]) =>
  joinPdfLines(texts.map((text, index) => ({ text, left: 0, right: 500, y: 700 - 12 * index, height: 10 })));

it("mends a broken word and joins Japanese without a space", () => {
  expect(page("a well-bro-", "ken word")).toBe("a well-broken word");
  expect(page("東京都の", "天気")).toBe("東京都の天気");
});

it("shortens dot leaders, and no other dots", () => {
  expect(page("Glob matching . . . . . . . . . . 12")).toBe("Glob matching … 12");
  expect(page("Wait... v1.2.3.4 is out.")).toBe("Wait... v1.2.3.4 is out.");
});
