import type { Guard } from "./guard.ts";

const subscriber = "packages/core/src/queue/delta-subscriber.ts";
const channelTest = "packages/core/src/queue/deltas.int.test.ts";
const publishing = "apps/worker/src/handlers/publish-deltas.ts";
const publishingTest = "apps/worker/src/handlers/publish-deltas.test.ts";
const rising = { file: channelTest, name: "hears rising attempts and offsets only, and nothing malformed" };

/** The text of a running generation is told in order, by the attempt that runs, and holds nobody up. */
export const deltaGuards: Guard[] = [
  {
    name: "delta-rising",
    protects: "An attempt that was overtaken speaks into the text of the next one.",
    edits: [{ file: subscriber, find: "return false;", replace: "return true;" }],
    test: rising,
  },
  {
    name: "delta-is-parsed",
    protects: "What somebody else put into the queue's server reaches the api as it is.",
    edits: [
      {
        file: subscriber,
        find: "const { success, data: delta } = taskDeltaSchema.safeParse(data);",
        replace: "const [success, delta] = [true, data as TaskDelta];",
      },
    ],
    test: rising,
  },
  {
    name: "delta-bounded-wait",
    protects: "A publish waits for as long as the queue's server is away.",
    edits: [
      {
        file: "packages/core/src/queue/delta-publisher.ts",
        find: "const publishing = { boundMs: 700, pauseMs: 1000 } as const;",
        replace: "const publishing = { boundMs: 60_000, pauseMs: 0 } as const;",
      },
    ],
    test: {
      file: channelTest,
      name: "no publish and no subscription takes long while the queue is away (swallow), and both go on after",
    },
  },
  {
    name: "delta-fence",
    protects: "A worker that lost its claim goes on telling its text.",
    edits: [{ file: publishing, find: "if (run.signal.aborted) return;", replace: "" }],
    test: {
      file: publishingTest,
      name: "publishes nothing once the claim is lost, whatever the model still says",
    },
  },
  {
    name: "delta-of-failed-text",
    protects: "A text that failed is told on while the task waits for its next attempt.",
    edits: [{ file: publishing, find: "if (!ended) {", replace: "if (ended) {" }],
    test: { file: publishingTest, name: "publishes nothing more of a text that failed" },
  },
  {
    name: "delta-whole-characters",
    protects: "A long piece is cut within a character.",
    edits: [{ file: publishing, find: "beginning.slice(0, -1)", replace: "beginning" }],
    test: {
      file: publishingTest,
      name: "holds up nobody when the channel is slow, and sends what gathered in pieces of whole characters",
    },
  },
];
