import { type ModelStatus, modelStatusSchema, type QueueName, queueNames } from "@genq/contract";
import { z } from "zod";
import type { Transaction } from "./database.ts";
import { toJson } from "./tasks.ts";

/** What a worker says of itself. `queues` are those whose tasks it moves. */
export interface WorkerReport {
  models: ModelStatus[];
  queues: QueueName[];
}

/** Says that a worker is alive, and what it does. Forgets workers that were silent for a day. */
export async function reportWorker(sql: Transaction, id: string, report: WorkerReport): Promise<void> {
  await sql`
    insert into workers (id, models, queues) values (${id}, ${sql.json(toJson(report.models))}, ${report.queues})
    on conflict (id) do update set seen_at = now(), models = excluded.models, queues = excluded.queues`;
  await sql`delete from workers where seen_at < now() - interval '1 day'`;
}

export async function removeWorker(sql: Transaction, id: string): Promise<void> {
  await sql`delete from workers where id = ${id}`;
}

/** The workers heard of in the last 30 seconds, the latest first. */
export async function selectLiveWorkers(sql: Transaction): Promise<(WorkerReport & { id: string })[]> {
  const rows = await sql<{ id: string; models: unknown; queues: unknown }[]>`
    select id, models, queues from workers where seen_at > now() - interval '30 seconds' order by seen_at desc`;
  return rows.map((row) => ({
    id: row.id,
    models: z.array(modelStatusSchema).parse(row.models),
    // A worker of an older version does not tell: it is taken to move all.
    queues: z.array(z.enum(queueNames)).parse(row.queues ?? [...queueNames]),
  }));
}
