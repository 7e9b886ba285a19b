import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { JobKind, JobPayload, MediaType } from "@genq/contract";
import { closeDatabase, type Database, openDatabase, type TaskRow } from "@genq/core/db";
import { acceptUpload, storeObject } from "@genq/core/files";
import { openQueues, type Queues } from "@genq/core/queue";
import type { Storage } from "@genq/core/storage";
import { getTask, submitTask } from "@genq/core/tasks";
import { pino } from "pino";
import { startWorker, type Worker, type WorkerOptions } from "../src/worker.ts";
import { fakeInference } from "./fake-inference.ts";

/** Both sides of a worker: what the API does, and workers in this process. */
export interface WorkerStack extends AsyncDisposable {
  /** As the API sees it. */
  api: { database: Database; queues: Queues; storage: Storage; maxQueuedTasks: number };
  /** As a worker sees it. */
  database: Database;
  start(options?: Partial<WorkerOptions>): Worker;
  submit<Kind extends JobKind>(userId: string, kind: Kind, payload: JobPayload<Kind>): Promise<string>;
  upload(
    userId: string,
    name: string,
    content: string | Buffer,
    options?: { replace?: boolean; mediaType?: MediaType },
  ): Promise<{ fileId: string; taskId: string }>;
  /** Waits until a task has a status. */
  until(userId: string, taskId: string, status: TaskRow["status"], timeout?: number): Promise<TaskRow>;
}

const log = pino({ level: "silent" });

/** Where the servers of a test file are. */
interface Servers {
  databaseUrl: string;
  queueUrl: string;
  queuePrefix: string;
}

export function openWorkerStack(stack: Servers, storage: Storage): WorkerStack {
  const open = (role: "genq_api" | "genq_worker") =>
    openDatabase({ url: stack.databaseUrl, role, max: 4, prepare: true });
  const queue = { url: stack.queueUrl, prefix: stack.queuePrefix };
  const api = { database: open("genq_api"), queues: openQueues(queue), storage, maxQueuedTasks: 1000 };
  const database = open("genq_worker");
  const workers: Worker[] = [];
  return {
    api,
    database,
    start: (options) => {
      const worker = startWorker({
        database,
        queue,
        storage,
        openInference: (onStatus) => fakeInference({}, onStatus),
        concurrency: { ingest: 1, embed: 2, generate: 1 },
        runningPerUser: 100,
        log,
        ...options,
      });
      workers.push(worker);
      return worker;
    },
    submit: async (userId, kind, payload) => (await submitTask(api, { userId, kind, payload })).task.id,
    upload: async (userId, name, content, { replace = false, mediaType = "text/plain" } = {}) => {
      const body = Readable.from([Buffer.from(content)]);
      const object = await storeObject(api, userId, { body, mediaType, maxBytes: 10 ** 8 });
      const request = { userId, name, chatId: null, replace, idempotencyKey: undefined };
      const { task, file } = await acceptUpload(api, request, object);
      if (task === undefined) throw new Error("The upload made no task.");
      return { fileId: file.file.id, taskId: task.task.id };
    },
    until: async (userId, taskId, status, timeout = 30_000) => {
      const startedAt = performance.now();
      for (;;) {
        const task = await getTask(api, userId, taskId);
        if (task.status === status) return task;
        if (performance.now() - startedAt > timeout) {
          throw new Error(`The task is ${task.status}, not ${status}: ${JSON.stringify(task.problem)}`);
        }
        await sleep(25);
      }
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(workers.map((worker) => worker.stop(1000)));
      await api.queues.close();
      await Promise.all([closeDatabase(api.database), closeDatabase(database)]);
    },
  };
}

/** Objects in memory, for tests that are not about storage. */
export function memoryStorage(): Storage {
  const objects = new Map<string, Buffer>();
  return {
    ensureBucket: () => Promise.resolve(),
    upload: async (key, body) => void objects.set(key, Buffer.concat(await body.toArray())),
    download: (key) => {
      const bytes = objects.get(key);
      if (bytes === undefined) return Promise.reject(new Error("not there"));
      return Promise.resolve(new Blob([new Uint8Array(bytes)]).stream());
    },
    sign: () => Promise.reject(new Error("not in this test")),
    remove: (keys) => {
      for (const key of keys) objects.delete(key);
      return Promise.resolve();
    },
  };
}
