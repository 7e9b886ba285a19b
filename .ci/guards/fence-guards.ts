import type { Edit, Guard } from "./guard.ts";
import { claimById } from "./plan-guards.ts";

const tasksTest = "packages/core/src/tasks/tasks.int.test.ts";
const claimsTest = "apps/worker/test/claims.int.test.ts";
const stale = { file: tasksTest, name: "claim lets a stale attempt write nothing" };
const claims = "packages/core/src/db/claims.ts";
const abandoned = "packages/core/src/db/abandoned-tasks.ts";
const claimNext = "packages/core/src/db/claim-next.ts";

const held = `where id = \${claim.taskId} and attempt = \${claim.attempt} and status = 'processing'`;
/** The same statement without its fence: it begins with a text of its own. */
function unfenced(begin: string, end: string): Edit {
  const find = `${begin}\n    ${held}${end}`;
  return { file: claims, find, replace: find.replace(` and attempt = \${claim.attempt}`, "") };
}

/** A worker that was stopped and goes on may not write; one that died is found, and not for ever. */
export const fenceGuards: Guard[] = [
  {
    name: "fence-hold",
    protects: "A stale worker's effects (vectors, chunks) are written.",
    edits: [
      unfenced(
        `select set_config('genq.writer_attempt', \${writerOf(claim)}, true) from tasks`,
        " for update",
      ),
    ],
    test: { file: claimsTest, name: "lets a stale attempt write nothing" },
  },
  {
    name: "fence-renew",
    protects: "A stale worker keeps another's lease alive, and never learns that it lost its own.",
    edits: [
      {
        file: claims,
        find: "on t.id = claimed.id and t.attempt = claimed.attempt",
        replace: "on t.id = claimed.id",
      },
    ],
    test: stale,
  },
  {
    name: "fence-progress",
    protects: "A stale worker's progress is shown.",
    edits: [unfenced(`update tasks set progress = \${sql.json(toJson(progress))}, updated_at = now()`, "")],
    test: stale,
  },
  {
    name: "fence-complete",
    protects: "A stale worker's result is stored over the one of the attempt that took over.",
    edits: [
      {
        file: claims,
        find: `lease_until = null\n    ${held} returning id\`;\n  return rows.length > 0;`,
        replace: `lease_until = null\n    where id = \${claim.taskId} and status = 'processing' returning id\`;\n  return rows.length > 0;`,
      },
    ],
    test: stale,
  },
  {
    name: "fence-complete-group",
    protects: "The same, for results that are written together.",
    edits: [
      {
        file: claims,
        find: "on t.id = done.id and t.attempt = done.attempt",
        replace: "on t.id = done.id",
      },
    ],
    test: {
      file: "apps/worker/test/completions.int.test.ts",
      name: "completes all of a group but the one whose claim is another's, and tells each of its own",
    },
  },
  {
    name: "fence-fail",
    protects: "A stale worker fails a task that another one is doing.",
    edits: [
      {
        file: claims,
        find: `${held} returning id, file_id`,
        replace: `where id = \${claim.taskId} and status = 'processing' returning id, file_id`,
      },
    ],
    test: stale,
  },
  {
    name: "fence-release",
    protects: "A stale worker gives a running task back to the queue.",
    edits: [unfenced(`unreported_attempts = unreported_attempts + \${options.unreported ? 1 : 0}`, "")],
    test: stale,
  },
  {
    name: "one-claim",
    protects: "Two workers that claim at the same time get the same task.",
    edits: [
      {
        file: claimNext,
        find: `where queue = \${queue} and status = 'queued' and run_after <= now()\n    order by turn, place limit \${limit} for update skip locked\`;\n}\n\n/**\n`,
        replace: `where queue = \${queue} and status = 'queued' and run_after <= now()\n    order by turn, place limit \${limit}\`;\n}\n\n/**\n`,
      },
      // A row that another claim wrote has another ctid: that alone protects it too.
      ...claimById,
    ],
    test: { file: claimsTest, name: "gives a task to one of those who claim it at the same time" },
  },
  {
    name: "poison-limit",
    protects: "A task that ends its worker does so for ever.",
    edits: [
      {
        file: abandoned,
        find: `select *, unreported >= \${unreportedAttemptsLimit} as poisoned`,
        replace: "select *, false as poisoned",
      },
    ],
    test: {
      file: tasksTest,
      name: "claim quarantines a task whose attempts ended three times without a report",
    },
  },
  {
    name: "poison-count",
    protects: "Attempts that end without a report are not counted.",
    edits: [
      {
        file: abandoned,
        find: "unreported_attempts + 1 as unreported",
        replace: "unreported_attempts as unreported",
      },
    ],
    test: {
      file: tasksTest,
      name: "claim quarantines a task whose attempts ended three times without a report",
    },
  },
  {
    name: "uncounted-give-back",
    protects: "Each deploy costs running tasks an attempt.",
    edits: [
      {
        file: claims,
        find: `life_attempts = life_attempts - \${options.counted ? 0 : 1}`,
        replace: "life_attempts = life_attempts",
      },
    ],
    test: {
      file: claimsTest,
      name: "gives back what does not finish in time, at no cost to the task, and rings for it",
    },
  },
  {
    name: "backoff-is-waited-for",
    protects: "What is to wait for its backoff is claimed at once.",
    edits: [
      {
        file: claimNext,
        find: `where queue = \${queue} and status = 'queued' and run_after <= now()\n    order by turn, place limit \${limit} for update skip locked`,
        replace: `where queue = \${queue} and status = 'queued'\n    order by turn, place limit \${limit} for update skip locked`,
      },
    ],
    test: {
      file: "packages/core/src/db/claim-next.int.test.ts",
      name: "a claim takes no task before its time",
    },
  },
  {
    name: "expired",
    protects: "What waited past its deadline is done all the same.",
    edits: [{ file: claimNext, find: "from due where not overdue", replace: "from due" }],
    test: {
      file: tasksTest,
      name: "claim expires what waited past its deadline, and holds back what waits for its backoff",
    },
  },
  {
    name: "last-attempt",
    protects: "What fails again and again is tried for ever.",
    edits: [
      {
        file: "apps/worker/src/run-task.ts",
        find: "(!retryable || reported >= attempts)",
        replace: "!retryable",
      },
    ],
    test: { file: claimsTest, name: "ends a task at the last of its attempts" },
  },
  {
    name: "cancel-aborts",
    protects: "Canceled work runs on.",
    edits: [
      {
        file: "apps/worker/src/leases.ts",
        find: `run.abort(new ClaimLostError("The claim was taken over or the task was canceled."));`,
        replace: "void ClaimLostError;",
      },
    ],
    test: { file: claimsTest, name: "aborts running work within two seconds of its cancellation" },
  },
  {
    name: "lease-by-database-clock",
    protects: "A worker whose clock is wrong gets leases that are over or never end.",
    edits: [
      {
        file: claimNext,
        find: `lease_until = now() + make_interval(secs => \${leaseMs / 1000}), started_at`,
        replace: `lease_until = \${new Date(Date.now() + leaseMs).toISOString()}, started_at`,
      },
    ],
    test: {
      file: "packages/core/test/model/task-model.int.test.ts",
      name: "does what design §4 says, for every seed",
    },
  },
];
