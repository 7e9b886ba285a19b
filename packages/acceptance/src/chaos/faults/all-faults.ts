import type { ChaosStack } from "../stack.ts";
import { breakConnections, exhaustPool, terminateBackends } from "./connections.ts";
import { deploy } from "./deploy.ts";
import { awake, type Fault, type FaultContext } from "./fault.ts";
import { killModel, killPostgres, killRedis, killService } from "./kills.ts";
import { crashModel, hangModel, starveModel } from "./model-faults.ts";
import type { FaultName } from "./names.ts";
import { emptyQueue, fillRedis, raceReconcilers } from "./queue-faults.ts";
import { partitionWorker, pauseWorker } from "./sleeps.ts";
import { breakStorage } from "./storage-faults.ts";

const withoutRedis = ({ redisUrl }: ChaosStack) =>
  redisUrl === undefined ? "the queue is not on Redis" : undefined;
const withoutPostgresServer = ({ edition }: ChaosStack) =>
  edition === "standalone" ? "the embedded Postgres has one session" : undefined;
const canEnd =
  (role: "worker" | "api") =>
  (context: FaultContext): boolean =>
    context.mayEnd(role) && awake(context, role, 0).length > 0;
const notLinux = () => (process.platform === "linux" ? undefined : "prlimit is Linux's");

export const allFaults: Record<FaultName, Fault> = {
  worker: { lane: "kill", ready: canEnd("worker"), inject: killService("worker") },
  api: { lane: "kill", ready: canEnd("api"), inject: killService("api") },
  model: { lane: "kill", inject: killModel },
  redis: {
    lane: "kill",
    unable: (stack) => withoutRedis(stack) ?? (stack.redis ? undefined : "TEST_QUEUE_PID_FILE is not set"),
    inject: killRedis,
  },
  postgres: {
    lane: "kill",
    unable: ({ postgres }) => (postgres ? undefined : "TEST_POSTGRES_PID_FILE is not set"),
    ready: ({ mayEnd }) => mayEnd("postgres"),
    inject: killPostgres,
  },
  pause: {
    lane: "sleep",
    ready: (context) => awake(context, "worker", 0).length > 0,
    inject: pauseWorker,
  },
  partition: {
    lane: "sleep",
    unable: ({ link }) => (typeof link === "string" ? link : undefined),
    inject: partitionWorker,
  },
  queue: { lane: "trouble", inject: emptyQueue },
  "redis-full": { lane: "trouble", unable: withoutRedis, inject: fillRedis },
  "half-open": { lane: "trouble", inject: breakConnections },
  terminate: { lane: "trouble", unable: withoutPostgresServer, inject: terminateBackends },
  pool: { lane: "trouble", inject: exhaustPool },
  storage: { lane: "trouble", inject: breakStorage },
  "model-hang": { lane: "trouble", inject: hangModel },
  "model-segv": { lane: "trouble", inject: crashModel },
  "model-memory": { lane: "trouble", unable: notLinux, inject: starveModel },
  deploy: {
    lane: "trouble",
    ready: (context) => canEnd("worker")(context) && canEnd("api")(context),
    inject: deploy,
  },
  reconcilers: {
    lane: "trouble",
    unable: ({ startExtraWorker }) =>
      startExtraWorker === undefined ? "the launcher runs one worker" : undefined,
    inject: raceReconcilers,
  },
};
