import type { Guard } from "./guard.ts";

const generator = "packages/inference/mini/generator";
const test = {
  file: `${generator}/evaluation/scores.test.ts`,
  name: "the mini generator that build.ts makes answers questions about documents that it never saw, or says that they don't tell",
};

/** What the bundled generator's answers hang on. */
export const miniGuards: Guard[] = [
  {
    name: "mini-words",
    protects: "The bundled generator picks a sentence without what training found about words.",
    edits: [
      {
        file: `${generator}/relevance.ts`,
        find: "vectors: new Int8Array(take(tokens * columns)),",
        replace: "vectors: new Int8Array(take(tokens * columns)).fill(0),",
      },
    ],
    test,
  },
  {
    name: "mini-none",
    protects: "The bundled generator answers by whatever is nearest where no passage tells.",
    edits: [
      {
        file: `${generator}/embedding.ts`,
        find: "row[IS_NONE.start] = token === NONE ? 1 : 0;",
        replace: "row[IS_NONE.start] = 0;",
      },
    ],
    test,
  },
  {
    name: "mini-question",
    protects:
      "A thousandth of the begin token is in the bundled generator's question, and its scores are not the trained ones.",
    edits: [
      {
        file: `${generator}/circuit.ts`,
        find: "  layer.query(0, CONSTANT, bos, -60_000);\n",
        replace: "",
      },
    ],
    test: {
      file: `${generator}/circuit.test.ts`,
      name: "takes no token of the question for one of the begin token's, which is as near",
    },
  },
  {
    name: "refusal-cites-nothing",
    protects: "An answer that says that the passages do not tell cites all of them.",
    edits: [
      { file: "packages/inference/src/model-catalog.ts", find: "      citesAlways: true,\n", replace: "" },
    ],
    test: {
      file: "apps/worker/test/citations.int.test.ts",
      name: "cites what the bundled model names, nothing when it says that the passages do not tell, all when it was cut",
    },
  },
];
