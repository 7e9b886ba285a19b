import { connectionsOfChild, guaranteeConcurrency, serveChild } from "@genq/core/bench";
import { closeDatabase, openDatabase } from "@genq/core/db";
import { pino } from "pino";
import type { Handlers } from "../src/handlers/handlers.ts";
import { startWorker } from "../src/worker.ts";
import { fakeInference } from "../test/fake-inference.ts";
import { memoryStorage } from "../test/worker-stack.ts";

const unused = () => Promise.reject(new Error("The benchmark makes no such task."));
const handlers: Handlers = {
  ingest: unused,
  search: unused,
  generate: unused,
  embed: () =>
    Promise.resolve({
      result: {
        model: "none",
        dimensions: 1,
        embeddings: [],
        usage: { prompt_tokens: 0, truncated_tokens: [] },
      },
    }),
};

const { databaseUrl, queueUrl, prefix } = connectionsOfChild();
const database = openDatabase({ url: databaseUrl, role: "genq_worker", max: 10, prepare: true });
const worker = startWorker({
  database,
  queue: { url: queueUrl, prefix },
  storage: memoryStorage(),
  openInference: (onStatus) => fakeInference({}, onStatus),
  concurrency: { ingest: 1, embed: guaranteeConcurrency, generate: 1 },
  runningPerUser: 1000,
  log: pino({ level: "info", base: { app: "worker" } }, pino.destination({ fd: 1, sync: true })),
  handlers,
});
serveChild({
  // The database tells what is done.
  done: () => 0,
  close: () => worker.stop(1000).then(() => closeDatabase(database)),
});
