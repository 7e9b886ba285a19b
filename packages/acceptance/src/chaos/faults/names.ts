/** What is broken on purpose. */
export const faultNames = [
  "worker",
  "api",
  "model",
  "redis",
  "postgres",
  "pause",
  "partition",
  "queue",
  "redis-full",
  "half-open",
  "terminate",
  "pool",
  "storage",
  "model-hang",
  "model-segv",
  "model-memory",
  "deploy",
  "reconcilers",
] as const;
export type FaultName = (typeof faultNames)[number];

/** Lines of `--help`. */
export const faultTexts: Record<FaultName, string> = {
  worker: "kill -9 of a worker",
  api: "kill -9 of an api",
  model: "kill -9 of a model process or a parser",
  redis: "kill -9 of Redis, which loses what it has not written to disk",
  postgres: "kill -9 of Postgres, or its `immediate` stop",
  pause: "SIGSTOP of a worker that runs a task, past its lease, then SIGCONT",
  partition: "the same by its network, in a namespace",
  queue: "FLUSHALL, or the deletion of all jobs where the queue is on Postgres",
  "redis-full": "Redis has no memory left for some seconds",
  "half-open": "connections that swallow bytes, delay them, or break after COMMIT",
  terminate: "pg_terminate_backend of all, several times",
  pool: "Postgres has no connection left, or its table is locked",
  storage: "Storage answers 500, late, half, or not at all",
  "model-hang": "SIGSTOP of a model process",
  "model-segv": "SIGSEGV of a model process",
  "model-memory": "a model process gets no more memory",
  deploy: "SIGTERM of all workers or all apis, one after the other",
  reconcilers: "FLUSHALL while two more workers start",
};
