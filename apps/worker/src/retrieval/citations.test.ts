import type { Passage } from "@genq/contract";
import { expect, it } from "vitest";
import { citationsOf } from "./citations.ts";

const passages: Passage[] = ["a", "b", "c"].map((text, index) => ({
  chunk_id: String(index),
  file_id: "00000000-0000-4000-8000-000000000000",
  file_name: "x.pdf",
  page: index + 1,
  page_end: index + 1,
  text,
  score: 0.5,
}));
const cite = (answer: string, unnamed: "all" | "none" = "all") =>
  citationsOf(answer, passages, unnamed).map(({ index, text }) => `${index}${text}`);

it("gives the named passages in the order in which they are first named", () => {
  expect(cite("So [3]. And [1], so [3].")).toEqual(["3c", "1a"]);
  expect(cite("Both [1, 2].")).toEqual(["1a", "2b"]);
  expect(cite("両方［２］です。【2】")).toEqual(["2b"]);
});

it("gives all passages or none when none is named, or only ones that are not there", () => {
  expect(cite("Just so.")).toEqual(["1a", "2b", "3c"]);
  expect(cite("See [9] and [0].")).toEqual(["1a", "2b", "3c"]);
  expect(cite("The passages do not say.", "none")).toEqual([]);
  expect(cite("So [2].", "none")).toEqual(["2b"]);
  expect(citationsOf("So [1].", [], "all")).toEqual([]);
});
