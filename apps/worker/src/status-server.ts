import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { Database } from "@genq/core/db";
import { inServiceTransaction } from "@genq/core/db";
import type { Worker } from "./worker.ts";

/** `/health`, `/ready` and `/metrics` for whoever runs the worker. It is not for users. @throws when the port is taken */
export async function startStatusServer(
  worker: Worker,
  database: Database,
  address: { host: string; port: number },
): Promise<Server> {
  const server = createServer((request, response) => {
    answer(worker, database, request.url ?? "/", response).catch(() => {
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  });
  server.listen(address.port, address.host);
  await once(server, "listening");
  return server;
}

async function answer(
  worker: Worker,
  database: Database,
  url: string,
  response: ServerResponse,
): Promise<void> {
  const json = (status: number, body: object) => {
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  };
  switch (url.split("?")[0]) {
    case "/health":
      return json(200, {
        status: worker.isReady() ? "ok" : "degraded",
        worker_id: worker.id,
        running: worker.running(),
        queues: worker.moving(),
        queue_server: worker.queueReport() ?? null,
        models: worker.models.statuses(),
      });
    case "/ready": {
      const reached = await inServiceTransaction(database, (sql) => sql`select 1`).then(
        () => true,
        () => false,
      );
      const queueReport = worker.queueReport();
      const checks = {
        database: reached,
        models: worker.models.isReady(),
        queues: worker.isReady(),
        queue_server: queueReport !== undefined && queueReport.problems.length === 0,
      };
      const ready = Object.values(checks).every(Boolean);
      return json(ready ? 200 : 503, { ready, checks, warnings: queueReport?.warnings ?? [] });
    }
    case "/metrics":
      response.writeHead(200, { "content-type": worker.metrics.contentType });
      response.end(await worker.metrics.text());
      return;
    default:
      return json(404, { error: "not found" });
  }
}
