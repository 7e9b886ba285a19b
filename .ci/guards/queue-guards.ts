import type { Guard } from "./guard.ts";

const rings = "packages/core/src/queue/rings.int.test.ts";
const answered =
  "hears every ring for one attempt of one task, for a ring that was answered leaves nothing behind";
const reconciles = {
  file: "apps/worker/test/claims.int.test.ts",
  name: "rings once for what is silent or was abandoned, with two reconcilers at it",
};
const reconciler = "apps/worker/src/reconcile-rings.ts";
const places = "supabase/migrations/20261121234500_fair_places.sql";
const byStatement = "supabase/migrations/20261121230000_work_by_statement.sql";
const claimNext = "packages/core/src/db/claim-next.ts";
const model = {
  file: "packages/core/test/model/task-model.int.test.ts",
  name: "does what design §4 says, for every seed",
};

/** A ring may be lost, forged or heard twice; a large backlog holds nobody up. */
export const queueGuards: Guard[] = [
  {
    name: "ring-leaves-no-job",
    protects: "A finished job that is kept swallows the next ring of its id.",
    edits: [
      {
        file: "packages/core/src/queue/queues.ts",
        find: "removeOnComplete: true",
        replace: "removeOnComplete: false",
      },
    ],
    test: { file: rings, name: answered },
  },
  {
    name: "ring-id-has-attempt",
    protects: "A ring that still waits for an older attempt swallows the next one's.",
    edits: [
      {
        file: "packages/core/src/queue/queues.ts",
        find: `jobId: \`\${ring.taskId}-\${ring.attempt}\``,
        replace: `jobId: \`\${ring.taskId}-fixed\``,
      },
    ],
    test: { file: rings, name: "hears the ring for the next attempt while one for the last still waits" },
  },
  {
    name: "ring-is-parsed",
    protects: "A forged job's data reaches the database as it is.",
    edits: [
      {
        file: "apps/worker/src/answer-ring.ts",
        find: "z.object({ taskId: uuidSchema })",
        replace: "z.object({ taskId: uuidSchema.or(z.string()) })",
      },
    ],
    test: {
      file: "apps/worker/test/rings.int.test.ts",
      name: "a forged ring with an id that is none is ignored and counted as malformed, and leaves no job",
    },
  },
  {
    name: "forged-ring-leaves-no-job",
    protects: "Forged jobs that ask to be kept fill the queue's memory.",
    edits: [
      {
        file: "packages/core/src/queue/ring-worker.ts",
        find: "Object.assign(job.opts, onceOnly);",
        replace: "void onceOnly;",
      },
    ],
    test: {
      file: rings,
      name: "goes on after jobs that somebody else put there, whatever they carry, and keeps none of them",
    },
  },
  {
    name: "reconciler-rings",
    protects: "A task whose ring was lost waits for ever.",
    edits: [
      {
        file: reconciler,
        find: "const rings = await inServiceTransaction(database, async (sql) => {",
        replace:
          "const rings = await inServiceTransaction(database, async (sql) => {\n      if (silentMs > 0) return [];",
      },
    ],
    test: reconciles,
  },
  {
    name: "reconciler-takes-back",
    protects: "What a dead worker left is nobody's for ever.",
    edits: [
      {
        file: "packages/core/src/db/abandoned-tasks.ts",
        find: "where status = 'processing' and lease_until <= now()",
        replace: "where false and status = 'processing' and lease_until <= now()",
      },
    ],
    test: reconciles,
  },
  {
    name: "reconciler-skips-locked",
    protects: "Two reconcilers ring twice for one task.",
    edits: [
      {
        file: "packages/core/src/db/silent-tasks.ts",
        find: "update tasks t set rung_at = now() from silent",
        replace: "update tasks t set rung_at = t.rung_at from silent",
      },
    ],
    test: reconciles,
  },
  {
    name: "failed-rounds-wait",
    protects: "Reconcilers of all workers press on a server that is away.",
    edits: [
      {
        file: "apps/worker/src/repeat.ts",
        find: "failures++;",
        replace: "failures = 0;",
      },
    ],
    test: {
      file: "apps/worker/src/repeat.test.ts",
      name: "waits longer and longer after rounds that fail, at random, and no longer once one succeeds",
    },
  },
  {
    name: "failed-rounds-scatter",
    protects: "They all come back at the same moment.",
    edits: [{ file: "apps/worker/src/backoff.ts", find: "(0.5 + random() / 2)", replace: "1" }],
    test: { file: "apps/worker/src/backoff.test.ts", name: "scatters from half of a step to all of it" },
  },
  {
    name: "failed-step-alone",
    protects: "While storage is away, no lost ring is found.",
    edits: [
      {
        file: "apps/worker/src/reconciler.ts",
        find: "const rang = await ringForSilent(services);",
        replace: "await sweepObjects(services);\n      const rang = await ringForSilent(services);",
      },
    ],
    test: {
      file: "apps/worker/test/reconciler.int.test.ts",
      name: "rings for what is silent while storage is away",
    },
  },
  {
    name: "ring-timeout",
    protects: "A POST hangs for as long as the queue's server does.",
    edits: [
      {
        file: "packages/core/src/queue/queues.ts",
        find: "const answerMs = 800;",
        replace: "const answerMs = 80_000;",
      },
      {
        file: "packages/core/src/queue/connection.ts",
        find: "commandTimeout: 1000, socketTimeout: 2000",
        replace: "commandTimeout: 100_000",
      },
    ],
    test: {
      file: "packages/core/src/queue/outages.int.test.ts",
      name: "no ring takes long while the queue is away (swallow), and they are heard after",
    },
  },
  {
    name: "fair-turn",
    protects: "Tasks are claimed as they came: a large backlog holds up everybody.",
    edits: [
      {
        file: places,
        find: "select users.id, greatest(",
        replace: "select users.id, 0 * greatest(",
      },
    ],
    test: model,
  },
  {
    name: "fair-turn-memory",
    protects: "Users who submit again as soon as they are served hold up one who waits.",
    edits: [
      {
        file: places,
        find: "where t.queue = of_queue and t.status in ('processing', 'completed', 'failed') order by t.turn desc",
        replace: "where t.queue = of_queue and t.status = 'processing' order by t.turn desc",
      },
    ],
    test: model,
  },
  {
    name: "fair-place",
    protects: "A user is the first of one round and the last of the next: others go by twice in between.",
    edits: [
      {
        file: places,
        find: "coalesce(case when waiting.turn >= round then waiting.place end, past.place, nextval('genq.places'))",
        replace: "nextval('genq.places')",
      },
    ],
    test: {
      file: "packages/core/src/db/fair-turns.int.test.ts",
      name: "with N users waiting each gets its turn within N claims, whatever the backlogs (seed 1598210910)",
    },
  },
  {
    name: "turns-at-once",
    protects:
      "Submits of one user at the same time take the same turn (on servers: the embedded Postgres runs one at a time).",
    edits: [
      {
        file: byStatement,
        find: "perform genq.settle_turns(string_to_array(noted, ',')::uuid[]);",
        replace: "null;",
      },
    ],
    test: {
      file: "packages/core/src/db/fair-turns.int.test.ts",
      name: "with N users waiting a small user is next, though another has just sent fifty at once",
    },
  },
  {
    name: "running-counted-at-commit",
    protects:
      "Claims at the same time go beyond what one user may run (on servers: the embedded Postgres runs one at a time).",
    edits: [
      {
        file: byStatement,
        find: "perform genq.check_started(string_to_array(noted, ',')::uuid[], most::integer);",
        replace: "null;",
      },
    ],
    test: {
      file: "packages/core/src/db/fair-turns.int.test.ts",
      name: "the bound of running tasks of one user holds for workers that claim at the same time",
    },
  },
  {
    name: "rings-enough",
    protects: "A burst fills the queue's memory with rings that nobody needs.",
    edits: [
      {
        file: "packages/core/src/queue/queues.ts",
        find: "isForLater(ring) || room-- > 0",
        replace: "isForLater(ring) || room-- > -1_000_000",
      },
    ],
    test: { file: rings, name: "rings no more than enough where nobody answers" },
  },
  {
    name: "running-per-user",
    protects: "One user takes all slots of all workers.",
    edits: [
      {
        file: claimNext,
        find: `where nth + coalesce(running.tasks, 0) <= \${runningPerUser} order by user_id`,
        replace: "order by user_id",
      },
      {
        file: claimNext,
        find: `set_config('genq.running_per_user', \${runningPerUser}::text, true),`,
        replace: "set_config('genq.running_per_user', '100000', true),",
      },
    ],
    test: model,
  },
  {
    name: "running-per-user-at-once",
    protects: "The same, by claims at the same time.",
    edits: [
      {
        file: claimNext,
        find: `set_config('genq.running_per_user', \${runningPerUser}::text, true),`,
        replace: "set_config('genq.running_per_user', '100000', true),",
      },
    ],
    test: {
      file: "packages/core/src/db/fair-turns.int.test.ts",
      name: "the bound of running tasks of one user holds for workers that claim at the same time",
    },
  },
  {
    name: "lengths-are-bounded",
    protects: "A look at a long queue counts all of it, every few seconds.",
    edits: [
      {
        file: "packages/core/src/db/queue-lengths.ts",
        find: `limit \${mostCounted} + later.tasks`,
        replace: "",
      },
    ],
    test: {
      file: "packages/core/src/db/queue-lengths.int.test.ts",
      name: "no more than 10,000 tasks of a queue are counted",
    },
  },
  {
    name: "watchdog",
    protects: "A worker whose connections are dead sits there for ever.",
    edits: [
      {
        file: "apps/worker/src/queue-watch.ts",
        find: "if (now - since < limitMs || standing) continue;",
        replace: "if (now > 0) continue;",
      },
    ],
    test: {
      file: "apps/worker/test/standstill.int.test.ts",
      name: "finds that it stands still while tasks wait, and not while none do, a slot is taken or a server is away",
    },
  },
  {
    name: "redis-evicts",
    protects: "A Redis that throws rings away is taken.",
    edits: [
      {
        file: "packages/core/src/queue/queue-report.ts",
        find: `policy !== "noeviction"`,
        replace: `policy === "nothing"`,
      },
    ],
    test: {
      file: "packages/core/src/queue/queue-report.test.ts",
      name: "refuses a Redis that evicts, and says what to set",
    },
  },
];
