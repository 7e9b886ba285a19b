import { setTimeout as sleep } from "node:timers/promises";
import { ensureUser } from "@genq/core/db";
import { findQueueProblems } from "@genq/core/queue";
import { pino } from "pino";
import { createApp } from "./app.ts";
import { testUser } from "./auth/authenticate.ts";
import { readApiEnv } from "./env.ts";
import { openDeps } from "./open-deps.ts";
import { serializeError } from "./serialize-error.ts";
import { serve } from "./serve.ts";

const result = readApiEnv();
if (!result.ok) {
  process.stderr.write(
    `The api can't start:\n${result.problems.map((problem) => `  ${problem}\n`).join("")}`,
  );
  process.exit(1);
}
const { env } = result;
const logger = pino({
  level: env.logLevel,
  base: { service: "api" },
  serializers: { err: serializeError },
});

const queueProblems = await findQueueProblems({ url: env.queueUrl, prefix: env.queuePrefix });
if (queueProblems.length > 0 && env.edition === "server") {
  process.stderr.write(
    `The api can't start: the queue's server is not fit.\n${queueProblems.map((it) => `  ${it}\n`).join("")}`,
  );
  process.exit(1);
}

let stopping = false;
const { deps, release, close } = openDeps(env, logger);
if (!env.authenticate) {
  void ensureTestUser();
  logger.warn("AUTHENTICATE=false: every request is answered as the same test user");
}

const server = await serve(createApp(deps), env.host, env.port).catch((error: unknown) => {
  logger.fatal({ err: error }, `the api can't listen on ${env.host}:${env.port}`);
  process.exit(1);
});
logger.info({ url: server.url, edition: env.edition, queue: deps.queues.backend }, "listening");

/** The database may be away at the start: until it is there, /ready says so. */
async function ensureTestUser(): Promise<void> {
  while (!stopping) {
    try {
      return await ensureUser(deps.database, testUser.id, testUser.email);
    } catch (error) {
      logger.warn({ err: error }, "the test user was not made yet");
      await sleep(1000, undefined, { ref: false });
    }
  }
}
async function stop(signal: string): Promise<void> {
  if (stopping) return;
  stopping = true;
  logger.info({ signal }, "stopping");
  release();
  await server.stop(env.shutdownGraceMs);
  await close();
  logger.info("stopped");
  logger.flush();
  process.exit(0);
}
process.on("SIGTERM", () => void stop("SIGTERM"));
process.on("SIGINT", () => void stop("SIGINT"));
