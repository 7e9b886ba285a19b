import type { Guard } from "./guard.ts";

const budget = "packages/inference/src/memory-budget.ts";
const budgetTest = "packages/inference/src/memory-budget.test.ts";
const idle = "!tenant.pinned && tenant.isIdle()";

/** What several models in one memory hang on: none is lost to another, and no request to a change of processes. */
export const poolGuards: Guard[] = [
  {
    name: "pool-pinned",
    protects: "A configured model is unloaded for one that somebody asked for.",
    edits: [{ file: budget, find: idle, replace: "tenant.isIdle()" }],
    test: { file: budgetTest, name: "never unloads what is pinned or at work" },
  },
  {
    name: "pool-busy",
    protects: "A model is unloaded with requests in it.",
    edits: [{ file: budget, find: idle, replace: "!tenant.pinned" }],
    test: { file: budgetTest, name: "never unloads what is pinned or at work" },
  },
  {
    name: "pool-in-vain",
    protects: "Models are unloaded though it makes too little room.",
    edits: [{ file: budget, find: "idle[0] && sumOf(idle) >= lacking", replace: "idle[0]" }],
    test: { file: budgetTest, name: "waits for a model that is at work, and unloads none in vain meanwhile" },
  },
  {
    name: "pool-retire",
    protects: "A worn process ends under the requests that run in it.",
    edits: [
      {
        file: "packages/inference/src/model-process.ts",
        find: "if (pending.size === 0)\n      kill(",
        replace: "kill(",
      },
    ],
    test: {
      file: "packages/inference/src/recycling.int.test.ts",
      name: "a process that has grown is replaced, and what it runs meanwhile is done by it",
    },
  },
  {
    name: "pool-overloaded",
    protects: "Tasks fail because the models had too much to do for a minute.",
    edits: [
      {
        file: "apps/worker/src/run-task.ts",
        find: "releaseTask(sql, claim, { delayMs, counted: false })",
        replace: "releaseTask(sql, claim, { delayMs, counted: true })",
      },
    ],
    test: {
      file: "apps/worker/test/overload.int.test.ts",
      name: "runs a task that met overloaded models again, as often as it takes, uncharged",
    },
  },
];
