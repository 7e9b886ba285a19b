import { readFileSync } from "node:fs";
import {
  type Health,
  healthSchema,
  type ModelStatus,
  modelStates,
  type QueueName,
  queueNames,
} from "@genq/contract";
import type { ServiceState } from "@genq/core/tasks";
import { createRoute } from "@hono/zod-openapi";
import { z } from "zod";
import type { ApiApp, ApiDeps } from "../deps.ts";
import { jsonAnswer, publicProblems } from "../http/describe.ts";

const { version } = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")));

/** `GET /health`: the process is alive, and what it sees of the rest. 200 even when it sees nothing. */
export function serviceHealth(app: ApiApp, deps: ApiDeps): void {
  app.openapi(
    createRoute({
      method: "get",
      path: "/health",
      tags: ["Service"],
      summary: "Tell that the API is alive, and what it sees",
      responses: { 200: jsonAnswer(healthSchema, "Alive"), ...publicProblems },
    }),
    async (c) => {
      const state = await deps.status.service().catch(() => undefined);
      const models = bestModels(state);
      const loaded = areModelsReady(models, deps.env);
      const health: Health = {
        status: state !== undefined && loaded ? "ok" : "degraded",
        edition: deps.env.edition,
        version,
        model_loaded: loaded,
        models,
        workers: state?.workers.length ?? 0,
        queue: {
          backend: deps.queues.backend,
          waiting: state?.waiting ?? { ingest: 0, embed: 0, generate: 0 },
          moving: queueNames.filter((name) => movesQueue(state, name)),
        },
      };
      c.header("cache-control", "no-store");
      return c.json(health, 200);
    },
  );
}

/** Not whether a server answers: whether a worker claimed lately, or a probe went the whole way to it. */
export function movesQueue(state: ServiceState | undefined, queue: QueueName): boolean {
  return state?.workers.some(({ queues }) => queues.includes(queue)) ?? false;
}

const byReadiness: ModelStatus["state"][] = ["ready", "loading", "downloading", "unloaded", "idle", "failed"];

/** Each model once: as the worker sees it that is furthest with it. */
export function bestModels(state: ServiceState | undefined): ModelStatus[] {
  const best = new Map<string, ModelStatus>();
  for (const model of state?.workers.flatMap((worker) => worker.models) ?? []) {
    const known = best.get(model.id);
    if (known === undefined || rank(model) < rank(known)) best.set(model.id, model);
  }
  return [...best.values()];
}

function rank({ state }: ModelStatus): number {
  const place = byReadiness.indexOf(state);
  return place < 0 ? modelStates.length : place;
}

/** Whether both configured models are ready in some worker. */
export function areModelsReady(
  models: ModelStatus[],
  served: { embeddingModel: string; generationModel: string },
): boolean {
  return [served.embeddingModel, served.generationModel].every((id) =>
    models.some((model) => model.id === id && model.state === "ready"),
  );
}
