import { type ModelStatus, modelStatusSchema } from "@genq/contract";
import { z } from "zod";
import type { Transaction } from "./database.ts";
import { toJson } from "./tasks.ts";

/** Says that a worker is alive and what its models do. Forgets workers that were silent for a day. */
export async function reportWorker(sql: Transaction, id: string, models: ModelStatus[]): Promise<void> {
  await sql`
    insert into workers (id, models) values (${id}, ${sql.json(toJson(models))})
    on conflict (id) do update set seen_at = now(), models = excluded.models`;
  await sql`delete from workers where seen_at < now() - interval '1 day'`;
}

export async function removeWorker(sql: Transaction, id: string): Promise<void> {
  await sql`delete from workers where id = ${id}`;
}

/** The workers heard of in the last 30 seconds, the latest first. */
export async function selectLiveWorkers(sql: Transaction): Promise<{ id: string; models: ModelStatus[] }[]> {
  const rows = await sql<{ id: string; models: unknown }[]>`
    select id, models from workers where seen_at > now() - interval '30 seconds' order by seen_at desc`;
  return rows.map((row) => ({ id: row.id, models: z.array(modelStatusSchema).parse(row.models) }));
}
