import type { Guard } from "./guard.ts";

const tasks = "packages/core/src/tasks/tasks.int.test.ts";
const apiTasks = "apps/api/test/tasks.int.test.ts";

/** What a 202 hangs on: the row before the answer, one task for a key, and an end that is final. */
export const truthGuards: Guard[] = [
  {
    name: "commit-before-202",
    protects: "A task is accepted whose COMMIT then fails.",
    edits: [
      {
        file: "packages/core/src/db/database.ts",
        find: "const begun = begin(database, running, { userId, timeoutMs, work });",
        replace: `const early = Promise.withResolvers<{ value: Result }>();
    const soon = (sql: Transaction) =>
      work(sql).then((value) => {
        early.resolve({ value });
        return value;
      });
    const begun = Promise.race([early.promise, begin(database, running, { userId, timeoutMs, work: soon })]);`,
      },
    ],
    test: {
      file: "packages/core/src/tasks/acceptance.int.test.ts",
      name: "accepts no task whose COMMIT fails, and rings for none",
    },
  },
  {
    name: "terminal-is-final",
    protects: "A task that has ended goes back to the queue.",
    edits: [
      {
        file: "supabase/migrations/20261121180000_set_triggers.sql",
        find: "    old.status in ('completed', 'canceled', 'expired', 'failed')\n",
        replace: "    false and old.status in ('completed', 'canceled', 'expired', 'failed')\n",
      },
    ],
    test: { file: tasks, name: "a terminal status is final in the database itself" },
  },
  {
    name: "idempotency-index",
    protects: "Fifty equal requests with one key make fifty tasks.",
    edits: [
      {
        file: "supabase/migrations/20261121000000_genq.sql",
        find: "  primary key (user_id, key)\n",
        replace: "  check (key <> '')\n",
      },
    ],
    test: { file: tasks, name: "submit makes one task of fifty equal requests with one key" },
  },
  {
    name: "idempotency-mismatch",
    protects: "A key with another body is answered with the first body's task.",
    edits: [
      {
        file: "packages/core/src/tasks/submit-task.ts",
        find: "  if (requestHash !== idempotency.requestHash) throw mismatch();\n",
        replace: "",
      },
    ],
    test: { file: tasks, name: "submit makes one task of fifty equal requests with one key" },
  },
  {
    name: "idempotency-24-hours",
    protects: "A key is kept for longer than it is good for: what is new is mixed up with it.",
    edits: [
      {
        file: "packages/core/src/db/idempotency.ts",
        find: `and key = \${key} and created_at < now() - interval '24 hours'\`;`,
        replace: `and key = \${key} and created_at < now() - interval '25 hours'\`;`,
      },
    ],
    test: {
      file: "packages/core/src/tasks/acceptance.int.test.ts",
      name: "keeps a key for 24 hours, and no longer",
    },
  },
  {
    name: "idempotency-request-hash",
    protects: "The hash of a request leaves out its body.",
    edits: [
      {
        file: "apps/api/src/http/idempotency.ts",
        find: "[c.req.method, c.req.path, body ?? null]",
        replace: "[c.req.method, c.req.path]",
      },
    ],
    test: {
      file: apiTasks,
      name: "an Idempotency-Key is refused with another body, another route, and taken for another user",
    },
  },
  {
    name: "queue-cap",
    protects: "One user may fill the queue without end.",
    edits: [
      {
        file: "packages/core/src/tasks/submit-task.ts",
        find: "if (!hasRoom) throw queueLimitReached(services);",
        replace: "void hasRoom;",
      },
    ],
    test: { file: tasks, name: "submit bounds how many tasks of one user wait" },
  },
  {
    name: "delete-needs-an-end",
    protects: "Running work is deleted under its worker.",
    edits: [
      {
        file: "packages/core/src/db/tasks.ts",
        find: "\n      and status in ('completed', 'failed', 'canceled', 'expired') returning id`",
        replace: " returning id`",
      },
    ],
    test: { file: tasks, name: "a terminal status is needed for a deletion" },
  },
  {
    name: "queue-limit-at-once",
    protects:
      "Submits at the same time go beyond a user's limit of waiting tasks (on servers: the embedded Postgres runs one at a time).",
    edits: [
      {
        file: "packages/core/src/db/submissions.ts",
        find: "if (waiting >= limit || !isCloseToLimit(waiting, limit)) return waiting < limit;",
        replace: "if (waiting >= 0) return waiting < limit;",
      },
    ],
    test: {
      file: "packages/core/src/tasks/queue-limit.int.test.ts",
      name: "fifty submits at once leave no more tasks waiting than may each alone, by two processes",
    },
  },
];
