import type { Guard } from "./guard.ts";

const watch = "packages/inference/src/model-watch.ts";
const watchTest = "packages/inference/src/model-watch.test.ts";
const queue = "packages/inference/src/work-queue.ts";
const queueTest = "packages/inference/src/work-queue.test.ts";
const supervision = "packages/inference/src/supervision.int.test.ts";
const poison = {
  file: "apps/worker/test/poison.int.test.ts",
  name: "quarantines the task that ends its model's process, and charges its neighbours once at most",
};

/** What keeps a run that goes wrong from costing more than itself: retries, quarantine, and an end of every inference. */
export const processGuards: Guard[] = [
  {
    name: "retry-policy",
    protects: "A passing problem ends the task.",
    edits: [{ file: "packages/contract/src/jobs.ts", find: '  "inference_timeout",\n', replace: "" }],
    test: {
      file: "packages/contract/src/jobs.test.ts",
      name: "decides for each kind whether a run that ended in inference_timeout is repeated",
    },
  },
  {
    name: "retryable-told",
    protects: "A failed task says that it may be retried, and the policy says that it may not.",
    edits: [
      {
        file: "apps/worker/src/problem-of.ts",
        find: "problemOfRun(kind, problemOf(error))",
        replace: "problemOf(error)",
      },
    ],
    test: {
      file: "apps/worker/src/problem-of.test.ts",
      name: "follows the policy of the task's kind, and so does the problem that is told",
    },
  },
  {
    name: "poison-counted",
    protects: "A task that ends its model's process is tried for ever.",
    edits: [
      {
        file: "packages/core/src/db/claims.ts",
        find: "options.unreported ? 1 : 0",
        replace: "0",
      },
    ],
    test: poison,
  },
  {
    name: "poison-alone",
    protects: "The neighbours of a task that ends its model's process are charged each time.",
    edits: [
      {
        file: "apps/worker/src/run-task.ts",
        find: "const alone = task.unreportedAttempts > 0;",
        replace: "const alone = false;",
      },
    ],
    test: poison,
  },
  {
    name: "alone-means-alone",
    protects: "Something else runs in the process of a request that must be alone.",
    edits: [{ file: queue, find: "    if (lone.running > 0) return;\n", replace: "" }],
    test: { file: queueTest, name: "runs work alone: after what runs, before what comes later" },
  },
  {
    name: "alone-is-bounded",
    protects: "Requests that must be alone hold up all others for ever.",
    edits: [{ file: queue, find: "        if (lane === lone) fillLanes();\n", replace: "" }],
    test: { file: queueTest, name: "lets both lanes have their turn between two that run alone" },
  },
  {
    name: "parser-crash-told",
    protects: "A document is called damaged when its parser was killed.",
    edits: [
      {
        file: "packages/core/src/documents/parse-document.ts",
        find: "if (exit.signal !== null) {",
        replace: "if (false) {",
      },
    ],
    test: {
      file: "packages/core/src/documents/parse-document.int.test.ts",
      name: "the child a crash that no document caused is told apart",
    },
  },
  {
    name: "silent-model",
    protects: "A stopped model process is waited for.",
    edits: [{ file: watch, find: "at - silentSince > limits.silenceMs", replace: "at < 0" }],
    test: { file: watchTest, name: "ends a process that is silent, also one without work" },
  },
  {
    name: "stuck-model",
    protects: "A model process that spins is waited for.",
    edits: [{ file: watch, find: "busy && at - stuckSince > deadlineMs", replace: "at < 0" }],
    test: {
      file: watchTest,
      name: "ends one that is at work and gets nowhere, the later the more tokens it is at",
    },
  },
  {
    name: "large-model",
    protects: "A model process takes the machine's memory.",
    edits: [{ file: watch, find: "beat.rssBytes > limits.maxRssBytes", replace: "at < 0" }],
    test: { file: watchTest, name: "ends one that takes too much memory" },
  },
  {
    name: "deaf-model",
    protects: "A canceled request goes on in its process.",
    edits: [
      {
        file: "packages/inference/src/model-process.ts",
        find: "else if (isDeaf([...pending.values()], limits.abortGraceMs))",
        replace: "else if (lastId < 0)",
      },
    ],
    test: {
      file: supervision,
      name: "an aborted request ends at once, and its process with it when it does not stop",
    },
  },
  {
    name: "innocent-calls-again",
    protects: "A request is lost with a process that was ended for another one.",
    edits: [
      {
        file: "packages/inference/src/model-host.ts",
        find: "if (!(error instanceof ProcessGoneError)) throw error;",
        replace: "if (error) throw error;",
      },
    ],
    test: {
      file: supervision,
      name: "counting tokens beside a request that does not stop is done by the next process",
    },
  },
  {
    name: "cancel-stops-inference",
    protects: "A canceled generation keeps its model busy.",
    edits: [
      {
        file: "apps/worker/src/run-inference.ts",
        find: "inference.generateStream({ ...request, ...run })",
        replace: "inference.generateStream({ ...request, alone: run.alone })",
      },
    ],
    test: {
      file: "apps/worker/test/cancel.int.test.ts",
      name: "ends a model's process that a cancellation does not stop",
    },
  },
  {
    name: "canceled-texts-leave",
    protects: "Texts of a canceled embedding are still run.",
    edits: [
      {
        file: "packages/inference/src/child/row-queue.ts",
        find: "      waiting = withoutAborted(waiting);\n",
        replace: "",
      },
    ],
    test: { file: "packages/inference/src/child/row-queue.test.ts", name: "aborted texts are not run" },
  },
  {
    name: "shutdown-gives-back",
    protects:
      "A deploy leaves what runs to its lease: it stands still for ten seconds, and costs an attempt.",
    edits: [
      {
        file: "apps/worker/src/worker.ts",
        find: `leases.abortAll(new ShutdownError("The worker is going down."));`,
        replace: "void ShutdownError;",
      },
    ],
    test: {
      file: "apps/worker/test/process.int.test.ts",
      name: "told to stop at an ingestion and generations, it finishes them or gives them back uncharged, and all is done once",
    },
  },
  {
    name: "bulk-apart",
    protects: "A query waits for bulk embedding, and its process dies with it.",
    edits: [
      {
        file: "packages/inference/src/spread-host.ts",
        find: "const toFront = processes.length === 0 ||",
        replace: "const toFront = processes.length >= 0 ||",
      },
    ],
    test: {
      file: "packages/inference/src/embedding-host.int.test.ts",
      name: "bulk work has processes of its own: what becomes of them is nothing to a query",
    },
  },
  {
    name: "padding-masked",
    protects: "A text's vector depends on the texts that run beside it.",
    edits: [
      {
        file: "packages/inference/src/child/encoder-run.ts",
        find: "const mask = new BigInt64Array(rows.length * length);",
        replace: "const mask = new BigInt64Array(rows.length * length).fill(1n);",
      },
    ],
    test: {
      file: "packages/inference/src/embedding-equality.int.test.ts",
      name: "whatever the batching, vectors are those of transformers.js' own pipeline mean pooling of a query, 2000 tokens in a run, 0 bulk processes",
    },
  },
];
