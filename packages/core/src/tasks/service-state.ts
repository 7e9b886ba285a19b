import type { QueueName } from "@genq/contract";
import {
  type Database,
  inServiceTransaction,
  selectLiveWorkers,
  selectQueueDepths,
  type WorkerReport,
} from "../db/index.ts";

/** What the database knows of the whole service: numbers and states, and nobody's content. */
export interface ServiceState {
  workers: (WorkerReport & { id: string })[];
  /** Tasks that wait in each queue. */
  waiting: Record<QueueName, number>;
}

export function readServiceState(database: Database): Promise<ServiceState> {
  return inServiceTransaction(database, async (sql) => {
    const workers = await selectLiveWorkers(sql);
    const depths = await selectQueueDepths(sql);
    const waiting = (queue: QueueName) => depths.get(queue) ?? 0;
    return {
      workers,
      waiting: { ingest: waiting("ingest"), embed: waiting("embed"), generate: waiting("generate") },
    };
  });
}
