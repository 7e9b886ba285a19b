import type { FileServices } from "@genq/core/files";
import type { QueueReport } from "@genq/core/queue";
import type { ServiceState, TaskWatcher } from "@genq/core/tasks";
import type { WebhookServices } from "@genq/core/webhooks";
import type { HttpBindings } from "@hono/node-server";
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Logger } from "pino";
import type { VerifyToken } from "./auth/verify-token.ts";
import type { ApiEnv } from "./env.ts";
import type { Metrics } from "./metrics.ts";

/** What the routes work with: the open connections, and the settings. Only `main.ts` and tests make one. */
export interface ApiDeps extends FileServices, WebhookServices {
  env: ApiEnv;
  logger: Logger;
  metrics: Metrics;
  watcher: TaskWatcher;
  /** What the open status routes look at, each asked for once a second at most. */
  status: {
    service(): Promise<ServiceState>;
    queue(): Promise<boolean>;
    /** What is known of the queue's server; undefined while it was never reached. */
    queueReport(): QueueReport | undefined;
    /** Also makes the bucket when it is not there: a database may be younger than this process. */
    storage(): Promise<boolean>;
  };
  verifyToken: VerifyToken;
  /** Aborted when the process begins to stop: who streams ends the stream. */
  stopping: AbortSignal;
}

export interface ApiVariables {
  Bindings: HttpBindings;
  Variables: {
    requestId: string;
    /** The caller. Set on every route that needs a user, and on no other. */
    userId: string;
  };
}

export type ApiApp = OpenAPIHono<ApiVariables>;
