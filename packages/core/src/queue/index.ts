export type { QueueBackend, QueueOptions } from "./connection.ts";
export { type DeltaPublisher, openDeltaPublisher } from "./delta-publisher.ts";
export { type DeltaSubscriber, openDeltaSubscriber } from "./delta-subscriber.ts";
export { migrateQueue } from "./migrate.ts";
export { findQueueProblems, type QueueMonitor, startQueueMonitor } from "./queue-monitor.ts";
export type { QueueReport } from "./queue-report.ts";
export { openQueues, type Queues, type Ring, ringsEnough } from "./queues.ts";
export { openRingWorker, type RingWorker } from "./ring-worker.ts";
