export type { QueueBackend, QueueOptions } from "./connection.ts";
export { migrateQueue } from "./migrate.ts";
export { openQueues, type Queues, type Ring } from "./queues.ts";
export { openRingWorker, type RingWorker } from "./ring-worker.ts";
