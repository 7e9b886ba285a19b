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
    name: "whole-first-character",
    protects: "An answer whose first character is bytes begins with signs for what can't be read.",
    edits: [
      {
        file: `${child}/text-stream.ts`,
        find: "if (known.length > taken) waiting += 1;",
        replace: "waiting += 1;",
      },
    ],
    test: {
      file: `${child}/sentence-pieces.test.ts`,
      name: "byte pairs as llama deltas are whole characters, and no space is lost or doubled between them",
    },
  },
  {
    name: "no-space-inside",
    protects: "A control token that a text spells gets a space, and a long text one where it was cut.",
    edits: [
      {
        file: `${child}/encode-text.ts`,
        find: "ids.length === 0 ? encodeBare(piece) : goOnWith(piece);",
        replace: "encodeBare(piece);",
      },
    ],
    test: {
      file: `${child}/sentence-pieces.test.ts`,
      name: "unigrams as xlm-roberta control tokens that a text spells are its text, and no space comes with them",
    },
  },
  {
    name: "control-tokens-in-line",
    protects: "A megabyte of control tokens that a user types keeps a model's process busy for ten minutes.",
    edits: [
      {
        file: `${child}/encode-text.ts`,
        find: "if (own.length > 0) ids.push(own);",
        replace: "if (own.length > 0) ids.splice(0, ids.length, ids.flat().concat(own));",
      },
    ],
    test: {
      file: `${child}/sentence-pieces.test.ts`,
      name: "byte pairs as llama a text of control tokens takes no longer than its length",
    },
  },
  {
    name: "unknown-in-pieces",
    protects:
      "A megabyte of a character that a tokenizer does not know holds up its model's other requests for 20 s.",
    edits: [
      {
        file: `${child}/encode-text.ts`,
        find: "const pieceCharacters = 4_096;",
        replace: "const pieceCharacters = 16_384;",
      },
    ],
    test: {
      file: `${child}/sentence-pieces.test.ts`,
      name: "unigrams as deberta-v2 a long text that the vocabulary has nothing of lets others go on",
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
    name: "format-work-limited",
    protects: "One answer's schema takes the whole time of its model.",
    edits: [
      {
        file: `${child}/structured-output/structured-output.ts`,
        find: "if (workLeft < 0) throw new TooComplexError();",
        replace: "",
      },
    ],
    test: {
      file: formatTest,
      name: "a schema whose options overlap fails its own answer instead of holding up the others",
    },
  },
  {
    name: "picks-let-others",
    protects: "The picks of a step take longer together than a process may be silent.",
    edits: [
      {
        file: `${child}/generation/generation-scheduler.ts`,
        find: "        await finishPiece(progress);\n",
        replace: "",
      },
    ],
    test: {
      file: `${child}/generation/generation-scheduler.test.ts`,
      name: "other work goes on between the picks of one step, however long they take",
    },
  },
  {
    name: "vocabulary-in-pieces",
    protects: "Answers wait for the vocabulary to be read.",
    edits: [
      {
        file: `${child}/structured-output/vocabulary.ts`,
        find: "    if (id % 1000 === 0) await finishPiece(progress);\n",
        replace: "",
      },
      {
        file: `${child}/structured-output/vocabulary.ts`,
        find: "    await finishPiece(progress);\n",
        replace: "",
      },
    ],
    test: {
      file: `${child}/structured-output/vocabulary.test.ts`,
      name: "a large vocabulary is read in pieces, in the order of its bytes",
    },
  },
  {
    name: "schema-told-at-once",
    protects: "A schema that no model takes is accepted, and its task fails later.",
    edits: [
      {
        file: "packages/contract/src/answer-schema.ts",
        find: "mistakes.push({ path: [...path, key], message });",
        replace: "void [key, message];",
      },
    ],
    test: {
      file: "apps/worker/test/answer-schema.int.test.ts",
      name: 'what the request\'s check says of {"not":{}}, the model says too',
    },
  },
  {
    name: "schema-depth",
    protects: "A constant nested by the thousand overflows the api's stack.",
    edits: [
      {
        file: "packages/contract/src/answer-schema.ts",
        find: "if (isDeeper(root, 4 * mostDepth)) {",
        replace: "if (!root) {",
      },
    ],
    test: { file: "packages/contract/src/generation.test.ts", name: "refuses a constant nested too deep" },
  },
  {
    name: "format-kept",
    protects: "A date is any text.",
    edits: [
      {
        file: `${child}/structured-output/compile-string.ts`,
        find: "if (format === undefined && pattern === undefined) {",
        replace: "if (!pattern) {",
      },
    ],
    test: {
      file: `${child}/structured-output/typical-schemas.test.ts`,
      name: "url random logits give what it describes (1)",
    },
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
