import { createProblem, type JobPayload, type JobResult, type QueueName } from "@genq/contract";
import * as db from "../../src/db/index.ts";
import type { Queues } from "../../src/queue/index.ts";
import * as service from "../../src/tasks/index.ts";
import type { ClockedDatabase } from "./clocked-database.ts";
import { type Claim, type Model, type ModelKind, rules, type Submission } from "./task-model.ts";

/** The same verbs as the model's, done by the SQL that genq runs, each in a transaction of its own. */
export interface RealSystem {
  readonly clock: ClockedDatabase;
  readonly users: string[];
  /** Tasks that the API rang for. */
  readonly rung: string[];
  submit(request: Submission): Promise<string>;
  claimNext(queue: QueueName, limit: number): Promise<Claim[]>;
  renew(claims: Claim[]): Promise<Claim[]>;
  hold(claim: Claim): Promise<boolean>;
  progress(claim: Claim, done: number): Promise<boolean>;
  complete(claim: Claim, kind: ModelKind): Promise<boolean>;
  completeTogether(claims: Claim[], kind: ModelKind): Promise<boolean[]>;
  fail(claim: Claim): Promise<boolean>;
  release(claim: Claim, delayMs: number, counted: boolean): Promise<boolean>;
  cancel(user: string, id: string): Promise<string | undefined>;
  retry(user: string, id: string, key: string | undefined): Promise<string>;
  remove(user: string, id: string): Promise<string>;
  requeueAbandoned(): Promise<string[]>;
  expire(): Promise<number>;
  ring(queue: QueueName): Promise<string[]>;
  forgetOldKeys(): Promise<void>;
  read(): Promise<Snapshot>;
  /** Ids of tasks that expired. */
  expired(): Promise<ReadonlySet<string>>;
  /** Deletes what a run left. */
  clear(): Promise<void>;
}

/** What the tables hold, in the model's terms. */
export interface Snapshot {
  tasks: object[];
  keys: number;
  staleWrites: number;
}

const payloads: { [Kind in ModelKind]: JobPayload<Kind> } = {
  embed: { texts: ["a"], kind: "query" },
  search: { query: "a", k: 1 },
  generate: { text: "a" },
};
const results: { [Kind in ModelKind]: JobResult<Kind> } = {
  embed: { model: "m", dimensions: 1, embeddings: [[1]], usage: { prompt_tokens: 1, truncated_tokens: [0] } },
  search: { model: "m", results: [] },
  generate: {
    ...{
      generated_text: "a",
      finish_reason: "stop",
      confidence: 1,
      processing_time: 1,
      model: "m",
      citations: [],
    },
    usage: { prompt_tokens: 1, completion_tokens: 1, truncated_tokens: 0 },
  },
};

/** What a verb refused to do, by its code. */
async function codeOf(work: Promise<string>): Promise<string> {
  try {
    return await work;
  } catch (error) {
    const code = db.errorCode(error);
    if (code === undefined) throw error;
    return code;
  }
}

export function createRealSystem(clock: ClockedDatabase, users: string[]): RealSystem {
  const rung: string[] = [];
  const queues: Queues = {
    backend: "redis",
    ring: ({ taskId }) => Promise.resolve(rung.push(taskId) > 0),
    ringAll: (rings) => Promise.resolve(rings.length),
    waiting: () => Promise.resolve(0),
    probe: () => Promise.resolve(true),
    ping: () => Promise.resolve(true),
    inspect: () => Promise.resolve(undefined),
    close: () => Promise.resolve(),
  };
  const services = { database: clock.open("genq_api"), queues, maxQueuedTasks: rules.maxQueued };
  const worker = clock.open("genq_worker");
  const asWorker = <Result>(work: (sql: db.Transaction) => Promise<Result>) =>
    db.inServiceTransaction(worker, work);
  const keyed = (key: string | undefined, requestHash: string) =>
    key === undefined ? undefined : { key, requestHash };
  return {
    clock,
    users,
    rung,
    submit: ({ user, kind, key, hash }) => {
      const request = { userId: user, kind, payload: payloads[kind], idempotency: keyed(key, hash) };
      return codeOf(service.submitTask(services, request).then((submitted) => submitted.task.id));
    },
    claimNext: async (queue, limit) => {
      const { leaseMs, runningPerUser } = rules;
      const { tasks } = await db.claimNext(worker, queue, { limit, leaseMs, runningPerUser });
      return tasks.map(({ id, attempt }) => ({ taskId: id, attempt }));
    },
    renew: (claims) => asWorker((sql) => db.renewLeases(sql, claims, rules.leaseMs)),
    hold: (claim) => asWorker((sql) => db.holdClaim(sql, claim)),
    progress: (claim, done) =>
      asWorker((sql) => db.writeProgress(sql, claim, { stage: "work", done, total: 99, unit: "tokens" })),
    complete: (claim, kind) => asWorker((sql) => db.completeTask(sql, claim, results[kind])),
    completeTogether: (claims, kind) =>
      asWorker((sql) => {
        const result = JSON.stringify(results[kind]);
        return db.completeTasks(
          sql,
          claims.map((claim) => ({ claim, result })),
        );
      }),
    fail: (claim) => asWorker((sql) => db.failTask(sql, claim, createProblem("internal_error", "x"))),
    release: (claim, delayMs, counted) => asWorker((sql) => db.releaseTask(sql, claim, { delayMs, counted })),
    cancel: async (user, id) => {
      const status = await codeOf(service.cancelTask(services, user, id).then((task) => task.status));
      return status === "not_found" ? undefined : status;
    },
    retry: (user, id, key) =>
      codeOf(service.retryTask(services, user, id, keyed(key, `retry ${id}`)).then(({ task }) => task.id)),
    remove: (user, id) => codeOf(service.deleteTask(services, user, id).then(() => "deleted")),
    requeueAbandoned: async () => {
      const { requeued } = await asWorker((sql) => db.takeBackAbandoned(sql, 100));
      return requeued.map(({ taskId }) => taskId);
    },
    expire: () => asWorker((sql) => db.expireTasks(sql, 100)),
    ring: async (queue) => {
      const options = { silentMs: rules.silentMs, limit: 100 };
      return (await asWorker((sql) => db.takeSilentTasks(sql, queue, options))).map(({ taskId }) => taskId);
    },
    forgetOldKeys: () => asWorker(db.deleteOldIdempotencyKeys),
    read: async () => {
      const [row] = await clock.sql.unsafe<{ snapshot: Snapshot }[]>(snapshotQuery, [], preparedQuery);
      if (row === undefined) throw new Error("No snapshot.");
      return row.snapshot;
    },
    expired: async () => {
      const rows = await clock.sql<{ id: string }[]>`select id from genq.tasks where status = 'expired'`;
      return new Set(rows.map(({ id }) => id));
    },
    clear: async () => {
      rung.length = 0;
      await clock.sql.unsafe(
        "delete from genq.idempotency_keys; delete from genq.tasks; delete from genq.stale_writes; delete from genq.webhook_deliveries",
      );
    },
  };
}

/** Times in milliseconds; what a status gives no meaning to is left out. */
/** The driver's types don't know `simple`, by which it sends a query without arguments. */
const preparedQuery: object = { prepare: true, simple: false };

const snapshotQuery = `
    select jsonb_build_object(
      'tasks', coalesce((select jsonb_agg(jsonb_build_object(
        'id', id, 'user', user_id, 'kind', kind, 'status', status, 'attempt', attempt, 'life', life,
        'lifeAttempts', life_attempts, 'unreported', unreported_attempts,
        'createdAt', genq_clock.ms(created_at), 'startedAt', genq_clock.ms(started_at),
        'finishedAt', genq_clock.ms(finished_at), 'expiresAt', genq_clock.ms(expires_at),
        'leaseUntil', genq_clock.ms(lease_until),
        'turn', case when status in ('queued', 'processing') then turn end,
        'runAfter', case when status = 'queued' then genq_clock.ms(run_after) end,
        'rungAt', case when status = 'queued' then genq_clock.ms(rung_at) end,
        'problem', problem ->> 'code', 'progress', progress -> 'done', 'hasResult', result is not null,
        'events', (select count(*) from genq.webhook_deliveries d where d.task_id = t.id),
        'log', (select jsonb_agg(concat(from_status, '>', to_status, ' ', attempt, ' ', life) order by l.id)
          from genq.task_transitions l where task_id = t.id)
      ) order by id) from genq.tasks t), '[]'),
      'keys', (select count(*) from genq.idempotency_keys),
      'staleWrites', (select count(*) from genq.stale_writes)) as snapshot`;

/** The model's side of a snapshot. */
export function snapshotOf(model: Model): Snapshot {
  const tasks = model.tasks
    // A place is a number without a meaning of its own: the order of claims tells whether it is right.
    .map(({ place: _place, ...task }) => ({
      ...task,
      turn: task.status === "queued" || task.status === "processing" ? task.turn : null,
      runAfter: task.status === "queued" ? task.runAfter : null,
      rungAt: task.status === "queued" ? task.rungAt : null,
    }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  return { tasks, keys: model.keys.length, staleWrites: 0 };
}
