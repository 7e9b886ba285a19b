import { expect, it } from "vitest";
import { unwrapLines } from "./unwrap-lines.ts";

it.each([
  ["a wrapped sentence", "The spare keys hang in\nroom 12.", "The spare keys hang in room 12."],
  [
    "wrapped Japanese",
    "窯焚きは四日四晩続き、薪を\n三百束使います。",
    "窯焚きは四日四晩続き、薪を三百束使います。",
  ],
  ["a heading", "# genq\ngenq is a platform for\nproducts.", "# genq\ngenq is a platform for products."],
  [
    "a heading without a mark",
    "第六章 おはなし会\n毎週土曜日の午後二時から児童室で行います。",
    "第六章 おはなし会\n毎週土曜日の午後二時から児童室で行います。",
  ],
  ["sentences on lines", "One is here.\nTwo is there.", "One is here.\nTwo is there."],
  ["a list", "Bring:\n- a lamp and\n  a rope\n- water", "Bring:\n- a lamp and a rope\n- water"],
  ["labels", "Name: Bob Smith\nRoom: 12 upstairs", "Name: Bob Smith\nRoom: 12 upstairs"],
  ["Japanese labels", "品名：茶碗\n価格：千円", "品名：茶碗\n価格：千円"],
  ["rows of fields", "name,room,floor\nBob,12,2\nAnn,14,3", "name,room,floor\nBob,12,2\nAnn,14,3"],
  [
    "prose with commas",
    "It takes bread, butter, jam\nand tea, milk, sugar.",
    "It takes bread, butter, jam and tea, milk, sugar.",
  ],
  [
    "code",
    "It is started by\nthis:\n\n```sh\nnpm ci\n\nnpm start\n```\n\nThat runs it\nwhole.",
    "It is started by this:\n\n```sh\nnpm ci\n\nnpm start\n```\n\nThat runs it whole.",
  ],
  ["code that is cut off", "Then\n```sh\nnpm ci\nnpm start", "Then\n```sh\nnpm ci\nnpm start"],
  ["a table", "| a | b |\n| 1 | 2 |", "| a | b |\n| 1 | 2 |"],
  ["paragraphs", "One\n\n \nTwo", "One\n\nTwo"],
  ["nothing", "", ""],
])("%s", (_name, text, unwrapped) => {
  expect(unwrapLines(text)).toBe(unwrapped);
});
