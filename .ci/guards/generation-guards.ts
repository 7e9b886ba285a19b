import type { Guard } from "./guard.ts";

const folder = "packages/inference/src/child/generation";
const test = (name: string) => ({ file: `${folder}/generation-scheduler.test.ts`, name });
const crowds = (shape: string) => test(`${shape} as many texts run at once as the graph and the limit allow`);

/** What keeps texts that are continued together from meddling with each other. */
export const generationGuards: Guard[] = [
  {
    name: "generation-slots-masked",
    protects:
      "A text in a crowd would see the rests of another in its slot: the trial at load allows no crowd then.",
    edits: [
      {
        file: `${folder}/slot-lane.ts`,
        find: "mask.fill(1n, row * width, row * width + length + fresh);",
        replace: "mask.fill(1n, row * width, (row + 1) * width);",
      },
    ],
    test: crowds("grouped attention, float cache, places given"),
  },
  {
    name: "generation-gaps-masked",
    protects:
      "A text in a crowd would see the gap between its columns: the trial at load allows no crowd then.",
    edits: [
      {
        file: `${folder}/column-lane.ts`,
        find: "mask.fill(0n, row * wider + kept, row * wider + since);",
        replace: "",
      },
    ],
    test: crowds("plain attention, float cache, places given"),
  },
  {
    name: "generation-batching-tried",
    protects: "A graph that counts its places from the cache's length is given several texts at once.",
    edits: [
      {
        file: `${folder}/open-decoder.ts`,
        find: "batches: splits && areAlike(await runTogether(newLane, texts), wanted)",
        replace: "batches: splits",
      },
    ],
    test: crowds("plain attention, float cache, places counted"),
  },
  {
    name: "generation-abort-frees",
    protects: "A text that nobody waits for any more keeps its slot.",
    edits: [
      {
        file: `${folder}/generation-scheduler.ts`,
        find: "for (const text of running.filter((text) => !stays(text))) leave(text);",
        replace: "",
      },
    ],
    test: test(
      "grouped attention, float cache, places given a text is the same alone and among others that come and go",
    ),
  },
  {
    name: "prefix-partitions",
    protects: "What one user's prompts begin with is found by another's.",
    edits: [
      {
        file: `${folder}/prefix-cache.ts`,
        find: "JSON.stringify([owner,",
        replace: 'JSON.stringify([owner && "user",',
      },
    ],
    test: test(
      "the prefix cache gives a text's beginning to nobody else, and keeps none of a text without a partition",
    ),
  },
  {
    name: "prefix-operator-only",
    protects: "A piece that holds a user's tokens beside the operator's is shared.",
    edits: [{ file: `${folder}/prefix-cache.ts`, find: "end <= shared", replace: "start <= shared" }],
    test: test("the prefix cache shares what is the operator's, and not a token more"),
  },
  {
    name: "prefix-parent",
    protects: "A prompt is continued from keys and values of another that shares only a later piece.",
    edits: [
      {
        file: `${folder}/prefix-cache.ts`,
        find: "JSON.stringify([owner, parent, ids.slice(start, end)])",
        replace: "JSON.stringify([owner, ids.slice(start, end)])",
      },
    ],
    test: test("the prefix cache tells pieces apart by what came before them"),
  },
  {
    name: "generation-results-not-copied",
    protects:
      "Every step copies the caches of all texts, which takes as long as the model with eight of them.",
    edits: [{ file: `${folder}/run-in-place.ts`, find: "throw enough;", replace: "" }],
    test: {
      file: `${folder}/run-in-place.test.ts`,
      name: "what is wanted comes back, and the rest is where it should be, not copied",
    },
  },
  {
    name: "logits-of-last-token",
    protects: "The logits of all tokens of a prompt are computed, of which all but the last are thrown away.",
    edits: [
      {
        file: `${folder}/open-sessions.ts`,
        find: "keepLastLogits(bytes)",
        replace: "bytes.subarray(0, size)",
      },
    ],
    test: {
      file: `${folder}/open-sessions.test.ts`,
      name: "makes a decoder compute the last logits alone, and still run texts together",
    },
  },
  {
    name: "prompts-not-rounded",
    protects:
      "Prompts run on kernels that are made for single tokens, and what goes into their products is rounded.",
    edits: [{ file: `${folder}/open-sessions.ts`, find: "&& keepActivations(model);", replace: "&& false;" }],
    test: {
      file: `${folder}/open-sessions.test.ts`,
      name: "has prompts run without rounding what goes into 4-bit products",
    },
  },
  {
    name: "prompts-by-their-graph",
    protects: "The session for prompts is loaded and not used.",
    edits: [
      {
        file: `${folder}/generation-scheduler.ts`,
        find: "decoder.newPromptLane()",
        replace: "decoder.newLane()",
      },
    ],
    test: test("prompts go to the graph for prompts, single tokens to the other"),
  },
  {
    name: "large-weights-once",
    protects: "A large model takes twice its memory.",
    edits: [
      {
        file: `${folder}/open-sessions.ts`,
        find: "mayBeHeldTwice(await weightsBytes(file)) && ",
        replace: "",
      },
    ],
    test: {
      file: `${folder}/open-sessions.test.ts`,
      name: "does not load large weights twice, also where they lie beside the graph",
    },
  },
];
