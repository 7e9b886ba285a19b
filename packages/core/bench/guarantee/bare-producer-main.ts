import { createPostgresBackend, Queue, withBackend } from "bullmq";
import { asBullConnection, openPostgresPool, openRedis, queueBackend } from "../../src/queue/connection.ts";
import { connectionsOfChild, serveChild } from "./child.ts";

const { queueUrl: url, prefix } = connectionsOfChild();
const jobOptions = { attempts: 1, removeOnComplete: true, removeOnFail: true };

if (queueBackend(url) === "redis") {
  const redis = openRedis({ url, prefix }, false);
  const queue = new Queue("bare", { connection: redis, prefix });
  await queue.waitUntilReady();
  serveChild({
    done: () => 0,
    add: (userId) => queue.add("bare", { userId }, jobOptions),
    close: async () => {
      await queue.close();
      redis.disconnect();
    },
  });
} else {
  const pool = openPostgresPool({ url, prefix }, 10);
  const { Queue: PostgresQueue } = withBackend(createPostgresBackend);
  const queue = new PostgresQueue(`${prefix}-bare`, { connection: asBullConnection(pool) });
  await queue.waitUntilReady();
  serveChild({
    done: () => 0,
    add: (userId) => queue.add("bare", { userId }, jobOptions),
    close: async () => {
      await queue.close();
      await pool.end();
    },
  });
}
