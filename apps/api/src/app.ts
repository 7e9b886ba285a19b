import { AppError } from "@genq/contract";
import { OpenAPIHono } from "@hono/zod-openapi";
import { methodNotAllowed } from "hono/method-not-allowed";
import { requestId } from "hono/request-id";
import { secureHeaders } from "hono/secure-headers";
import type { ApiApp, ApiDeps, ApiVariables } from "./deps.ts";
import { openapiDocument } from "./docs/openapi-document.ts";
import { referencePage } from "./docs/reference-page.ts";
import { answerErrors, answerProblem } from "./http/answer-problem.ts";
import { allowOrigins } from "./http/cors.ts";
import { logRequests } from "./http/log-requests.ts";
import { createGuards } from "./http/user-route.ts";
import { refuseInvalid } from "./http/validation.ts";
import { embedCreate } from "./routes/embed.create.ts";
import { fileContent } from "./routes/file.content.ts";
import { fileDelete } from "./routes/file.delete.ts";
import { fileGet } from "./routes/file.get.ts";
import { fileList } from "./routes/file.list.ts";
import { generateCreate } from "./routes/generate.create.ts";
import { problemGet } from "./routes/problem.get.ts";
import { searchCreate } from "./routes/search.create.ts";
import { serviceConfig } from "./routes/service.config.ts";
import { serviceHealth } from "./routes/service.health.ts";
import { serviceMetrics } from "./routes/service.metrics.ts";
import { serviceReady } from "./routes/service.ready.ts";
import { taskCancel } from "./routes/task.cancel.ts";
import { taskDelete } from "./routes/task.delete.ts";
import { taskEvents } from "./routes/task.events.ts";
import { taskGet } from "./routes/task.get.ts";
import { taskList } from "./routes/task.list.ts";
import { taskRetry } from "./routes/task.retry.ts";
import { uploadCreate } from "./routes/upload.create.ts";
import { uploadHealthz } from "./routes/upload.healthz.ts";
import { webhookCreate } from "./routes/webhook.create.ts";
import { webhookDelete } from "./routes/webhook.delete.ts";
import { webhookDeliveries } from "./routes/webhook.deliveries.ts";
import { webhookDelivery } from "./routes/webhook.delivery.ts";
import { webhookGet } from "./routes/webhook.get.ts";
import { webhookList } from "./routes/webhook.list.ts";
import { webhookRedeliver } from "./routes/webhook.redeliver.ts";
import { webhookRotateSecret } from "./routes/webhook.rotate-secret.ts";
import { webhookSendTest } from "./routes/webhook.send-test.ts";
import { webhookUpdate } from "./routes/webhook.update.ts";

const publicRoutes = [serviceHealth, serviceReady, serviceConfig, serviceMetrics, uploadHealthz, problemGet];
const userRoutes = [
  ...[uploadCreate, fileList, fileGet, fileContent, fileDelete],
  ...[generateCreate, embedCreate, searchCreate],
  ...[taskGet, taskEvents, taskList, taskCancel, taskRetry, taskDelete],
  // Ahead of `/webhooks/{id}`, which its path would match.
  webhookDeliveries,
  ...[webhookCreate, webhookList, webhookGet, webhookUpdate, webhookDelete],
  ...[webhookRotateSecret, webhookSendTest, webhookDelivery, webhookRedeliver],
];

/** The whole HTTP interface over connections that somebody else opened. */
export function createApp(deps: ApiDeps): ApiApp {
  const app: ApiApp = new OpenAPIHono<ApiVariables>({ defaultHook: refuseInvalid });
  app.onError(answerErrors(deps));
  app.notFound((c) => {
    const problem = new AppError("not_found", "There is no such route. /docs lists them.");
    return answerProblem(c, problem.toProblem(c.get("requestId")));
  });
  app.use(requestId({ limitLength: 128 }));
  app.use(logRequests(deps, deps.metrics));
  app.use(
    secureHeaders({
      contentSecurityPolicy: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
      crossOriginResourcePolicy: "cross-origin",
      // A route's own policy stays.
      overwrite: false,
      // The proxy that ends TLS knows whether all of its host can promise it.
      strictTransportSecurity: false,
      xDownloadOptions: false,
      xPermittedCrossDomainPolicies: false,
    }),
  );
  app.use(allowOrigins(deps.env.corsOrigins));
  app.use(
    methodNotAllowed({
      app,
      onMethodNotAllowed: (c, methods) => {
        const allow = methods.join(", ");
        c.header("allow", allow);
        const problem = new AppError("method_not_allowed", `This route takes ${allow}.`);
        return answerProblem(c, problem.toProblem(c.get("requestId")));
      },
    }),
  );
  const guards = createGuards(deps);
  for (const register of publicRoutes) register(app, deps);
  for (const register of userRoutes) register(app, deps, guards);
  openapiDocument(app);
  referencePage(app);
  return app;
}
