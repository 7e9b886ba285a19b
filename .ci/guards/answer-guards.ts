import type { Guard } from "./guard.ts";

const child = "packages/inference/src/child";
const textTest = `${child}/text-stream.test.ts`;
const formatTest = `${child}/structured-output/structured-output.test.ts`;

/** What a generated text may be, and what of it is shown. */
export const answerGuards: Guard[] = [
  {
    name: "whole-characters",
    protects: "A piece of text ends in half a character.",
    edits: [
      {
        file: `${child}/text-stream.ts`,
        find: "const end = whole <= taken && waiting >= longestCharacterTokens ? known.length : whole;",
        replace: "const end = waiting >= longestCharacterTokens ? known.length : whole;",
      },
    ],
    test: {
      file: textTest,
      name: "a token that ends one character and begins the next shows the first one only",
    },
  },
  {
    name: "stop-held-back",
    protects: "The beginning of a stop string is shown.",
    edits: [
      {
        file: `${child}/text-stream.ts`,
        find: "release(pending.length - heldBack(pending, stopStrings));",
        replace: "release(pending.length);",
      },
    ],
    test: {
      file: textTest,
      name: "however a text is cut into tokens, it ends before a stop string and shows no part of it",
    },
  },
  {
    name: "format-ends-in-time",
    protects: "The last token comes before a JSON answer is whole.",
    edits: [
      {
        file: `${child}/structured-output/token-mask.ts`,
        find: "if (needed <= left) allow(mask, id);",
        replace: "allow(mask, id);",
      },
    ],
    test: { file: formatTest, name: "a JSON object is whole however few tokens there are" },
  },
  {
    name: "stream-cancels",
    protects: "A generation that nobody reads any more goes on.",
    edits: [
      {
        file: "packages/inference/src/stream-text.ts",
        find: "    } finally {\n      canceled.abort();\n    }",
        replace: "    } finally {\n      news.resolve();\n    }",
      },
    ],
    test: {
      file: "packages/inference/src/stream-text.test.ts",
      name: "leaving the loop cancels the generation",
    },
  },
];
