import { type Config, configSchema, type Health, healthSchema, type UploadResult } from "@genq/contract";
import { createFiles, type Files } from "./files.ts";
import { parseAnswer } from "./parse-answer.ts";
import { createTasks, type Tasks } from "./tasks.ts";
import { createTransport, type TransportOptions } from "./transport.ts";
import { type UploadOptions, type UploadSource, uploadFile } from "./upload.ts";
import { createWebhooks, type Webhooks } from "./webhooks.ts";
import { createWork, type Work } from "./work.ts";

export interface GenqClient extends Work {
  /** Sends a file; its ingestion goes on as the task in the answer. */
  upload(source: UploadSource, options?: UploadOptions): Promise<UploadResult>;
  files: Files;
  tasks: Tasks;
  /** Endpoints that are told when the caller's tasks have ended. */
  webhooks: Webhooks;
  /** What the server sees of itself. Needs no token. */
  health(options?: { signal?: AbortSignal }): Promise<Health>;
  /** What a frontend needs to start. Needs no token. */
  config(options?: { signal?: AbortSignal }): Promise<Config>;
}

/**
 * The client of one genq server, for browsers and Node. Every call throws `GenqError`, and is sent again after a
 * passing failure when sending it twice does no harm.
 */
export function createGenqClient(options: TransportOptions): GenqClient {
  const transport = createTransport(options);
  const tasks = createTasks(transport);
  return {
    ...createWork(transport, tasks),
    files: createFiles(transport),
    tasks,
    webhooks: createWebhooks(transport),
    upload: (source, uploadOptions) => uploadFile(transport, source, uploadOptions),
    health: async (callOptions) =>
      parseAnswer(
        await transport.send({ method: "GET", path: "/health", authenticated: false, ...callOptions }),
        healthSchema,
      ),
    config: async (callOptions) =>
      parseAnswer(
        await transport.send({ method: "GET", path: "/config", authenticated: false, ...callOptions }),
        configSchema,
      ),
  };
}
