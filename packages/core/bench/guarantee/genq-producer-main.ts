import { closeDatabase, openDatabase } from "../../src/db/index.ts";
import { openQueues } from "../../src/queue/index.ts";
import { submitTask } from "../../src/tasks/index.ts";
import { connectionsOfChild, serveChild } from "./child.ts";

const { databaseUrl, queueUrl, prefix } = connectionsOfChild();
const database = openDatabase({ url: databaseUrl, role: "genq_api", max: 10, prepare: true });
const queues = openQueues({ url: queueUrl, prefix });
const services = { database, queues, maxQueuedTasks: 1_000_000 };

serveChild({
  done: () => 0,
  add: (userId) => submitTask(services, { userId, kind: "embed", payload: { texts: ["a"], kind: "query" } }),
  close: () => Promise.all([queues.close(), closeDatabase(database)]),
});
