import { createPostgresBackend, Worker, withBackend } from "bullmq";
import { asBullConnection, openPostgresPool, openRedis, queueBackend } from "../../src/queue/connection.ts";
import { guaranteeConcurrency as concurrency, connectionsOfChild, serveChild } from "./child.ts";

const { queueUrl: url, prefix } = connectionsOfChild();
const run = () => Promise.resolve();
let done = 0;

if (queueBackend(url) === "redis") {
  const redis = openRedis({ url, prefix }, true);
  const worker = new Worker("bare", run, { concurrency, connection: redis, prefix });
  worker.on("completed", () => void done++);
  await worker.waitUntilReady();
  serveChild({
    done: () => done,
    close: async () => {
      await worker.close();
      redis.disconnect();
    },
  });
} else {
  const pool = openPostgresPool({ url, prefix }, concurrency + 3);
  const { Worker: PostgresWorker } = withBackend(createPostgresBackend);
  const worker = new PostgresWorker(`${prefix}-bare`, run, {
    concurrency,
    connection: asBullConnection(pool),
  });
  worker.on("completed", () => void done++);
  await worker.waitUntilReady();
  serveChild({
    done: () => done,
    close: async () => {
      await worker.close();
      await pool.end();
    },
  });
}
