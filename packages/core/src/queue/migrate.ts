import { runMigrations } from "bullmq";
import { openPostgresPool, postgresQueueSchema, queueBackend } from "./connection.ts";

/** Makes or updates BullMQ's own tables where the queue is on Postgres; Redis needs none. */
export async function migrateQueue(url: string): Promise<void> {
  if (queueBackend(url) === "redis") return;
  const pool = openPostgresPool({ url, prefix: "" }, 1);
  try {
    const client = await pool.connect();
    try {
      await runMigrations(client, postgresQueueSchema);
    } finally {
      client.release();
    }
  } finally {
    await pool.end();
  }
}
