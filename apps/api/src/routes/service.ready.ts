import { queueNames, type Readiness, readinessSchema } from "@genq/contract";
import type { QueueReport } from "@genq/core/queue";
import { createRoute } from "@hono/zod-openapi";
import type { ApiApp, ApiDeps } from "../deps.ts";
import { jsonAnswer, publicProblems } from "../http/describe.ts";
import { areModelsReady, bestModels, movesQueue } from "./service.health.ts";

type Check = Readiness["checks"][number];

/** `GET /ready`: whether everything that a request may need is there; 503 with what is missing. */
export function serviceReady(app: ApiApp, deps: ApiDeps): void {
  const answer = jsonAnswer(readinessSchema, "Each thing that is needed, and whether it is there");
  app.openapi(
    createRoute({
      method: "get",
      path: "/ready",
      tags: ["Service"],
      summary: "Tell whether the service can do its work",
      responses: { 200: answer, 503: answer, ...publicProblems },
    }),
    async (c) => {
      c.header("cache-control", "no-store");
      const readiness = await readReadiness(deps);
      return c.json(readiness, readiness.ready ? 200 : 503);
    },
  );
}

async function readReadiness(deps: ApiDeps): Promise<Readiness> {
  const [state, queue, storage] = await Promise.all([
    deps.status.service().catch(() => undefined),
    deps.status.queue(),
    deps.status.storage(),
  ]);
  const models = bestModels(state);
  const report = deps.status.queueReport();
  const still = queueNames.filter((name) => !movesQueue(state, name));
  const checks = [
    check("stopping", !deps.stopping.aborted, "this process is going down"),
    check("database", state !== undefined, "does not answer, or is not migrated"),
    checkQueue(queue, report),
    check("storage", storage, "does not answer, or refuses the secret key"),
    check("worker", (state?.workers.length ?? 0) > 0, "no worker was heard of in the last 30 seconds"),
    check("tasks", still.length === 0, `no worker moves the tasks of ${still.join(", ")}`),
    check("models", areModelsReady(models, deps.env), describeModels(deps, models)),
  ];
  return { ready: checks.every(({ ok }) => ok), checks };
}

function checkQueue(answers: boolean, report: QueueReport | undefined): Check {
  if (!answers) return check("queue", false, "does not answer");
  const problems = report?.problems ?? [];
  const detail = [...problems, ...(report?.warnings ?? [])].join(" ");
  return { name: "queue", ok: problems.length === 0, detail: detail === "" ? null : detail };
}

function check(name: string, ok: boolean, missing: string): Check {
  return { name, ok, detail: ok ? null : missing };
}

function describeModels({ env }: ApiDeps, models: ReturnType<typeof bestModels>): string {
  const states = [env.embeddingModel, env.generationModel].map((id) => {
    const model = models.find((candidate) => candidate.id === id);
    return `${id} is ${model?.state ?? "not served by any worker"}`;
  });
  return states.join("; ");
}
