import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { serve } from "@hono/node-server";
import { App } from "@supabase/lite";
import { createPostgresConnection } from "@supabase/lite/postgres";
import { supabaseEnv } from "../env.ts";
import { reportFailure, reportReady } from "../report.ts";
import {
  allowOrigins,
  guardObject,
  preflight,
  renameSignedUrls,
  signMany,
  tooLarge,
  unwrapUpload,
} from "./compat.ts";
import { openConnections } from "./connections.ts";
import { FileStorage, uploadTrouble } from "./storage-adapter.ts";
import { createTokenTranslator, translateAnswer } from "./tokens.ts";

const env = supabaseEnv();
const publicUrl = `http://127.0.0.1:${env.port}`;
const megabyte = 1024 * 1024;
const maxObjectBytes = env.maxObjectBytes;

const connection = createPostgresConnection({
  url: env.databaseUrl,
  // The default back-off grows to 20 s; Postgres is a neighbour that is back in two.
  postgresOptions: { max: 4, onnotice: () => undefined, connect_timeout: 60, backoff: () => 0.05 },
});
Object.assign(connection.driver, { reserve: openConnections(connection.driver, 4) });
const app = new App({
  connection,
  auth: {
    enabled: true,
    jwt_secret: env.jwtSecret,
    publishable_key: env.publishableKey,
    secret_key: env.secretKey,
    site_url: env.siteUrl,
    additional_redirect_urls: ["http://localhost:*/**", "http://127.0.0.1:*/**"],
    email: { enable_confirmations: false },
  },
  storage: {
    enabled: true,
    file_size_limit: `${Math.ceil(maxObjectBytes / megabyte)}MiB`,
  },
  // Migrations are applied by the api's own runner, from the same files.
  db: { migrations: { enabled: false } },
  studio: { enabled: false },
  options: { server: { disableStudio: true } },
});
const storage = new FileStorage(join(env.dataDir, "objects"), maxObjectBytes);
app._storageAdapter = storage;

const translator = await createTokenTranslator({
  secret: env.jwtSecret,
  privateKey: env.signingKey,
  issuer: `${publicUrl}/auth/v1`,
});

async function handle(request: Request, path: string, peerAddress: string | null): Promise<Response> {
  if (path === "/auth/v1/.well-known/jwks.json") {
    return Response.json(translator.keySet, { headers: { "cache-control": "public, max-age=600" } });
  }
  const unwrapped = await unwrapUpload(await withInternalToken(request), path, maxObjectBytes);
  if (unwrapped instanceof Response) {
    return unwrapped;
  }
  const trouble = { tooLarge: false };
  const response = await uploadTrouble.run(trouble, () => app.fetch(unwrapped, { peerAddress }));
  if (trouble.tooLarge) {
    return tooLarge();
  }
  return path.startsWith("/auth/v1/")
    ? translateAnswer(response, translator)
    : renameSignedUrls(response, path);
}

async function withInternalToken(request: Request): Promise<Request> {
  const authorization = request.headers.get("authorization");
  if (!authorization?.startsWith("Bearer ")) {
    return request;
  }
  const headers = new Headers(request.headers);
  headers.set("authorization", `Bearer ${await translator.inbound(authorization.slice(7))}`);
  return new Request(request, { headers });
}

/** Postgres starts at the same time as this process. */
async function waitForPostgres(): Promise<void> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    try {
      await connection.driver`select 1`;
      return;
    } catch (error) {
      const refused = error instanceof Error && "code" in error && error.code === "ECONNREFUSED";
      if (!refused || Date.now() > deadline) {
        throw error;
      }
      await sleep(50);
    }
  }
}

await Promise.all([storage.prepare(), waitForPostgres()]);
await app.ensureSystemSchema();
// ensureSystemSchema passes over statements that fail: make sure that what migrations refer to is there.
await connection.driver`select from auth.users, storage.objects, storage.buckets limit 0`;
// lite makes these roles when a request first needs them; migrations need them before.
await connection.driver.unsafe(`do $$ begin
  if to_regrole('anon') is null then create role anon nologin; end if;
  if to_regrole('authenticated') is null then create role authenticated nologin; end if;
  if to_regrole('service_role') is null then create role service_role nologin bypassrls; end if;
end $$`);
await connection.driver`
  insert into storage.buckets (id, name, public, file_size_limit) values (${env.bucket}, ${env.bucket}, false, ${maxObjectBytes})
  on conflict (id) do update set public = false, file_size_limit = excluded.file_size_limit`;

const server = serve(
  {
    port: env.port,
    hostname: "127.0.0.1",
    fetch: async (request, bindings) => {
      const peerAddress = bindings.incoming.socket.remoteAddress ?? null;
      const path = new URL(request.url).pathname;
      const answer =
        preflight(request) ??
        (await signMany(request, path, (one, onePath) => handle(one, onePath, peerAddress))) ??
        (await handle(request, path, peerAddress));
      return allowOrigins(guardObject(answer, request));
    },
  },
  () => {
    reportReady();
    // The first request waits a second for a look at the catalog: let it be this one.
    void app.getClient({ apikey: env.secretKey }).storage.getBucket(env.bucket);
  },
);
server.on("error", (error) => void reportFailure("port_taken", String(error)).then(() => process.exit(1)));

let stopping = false;
async function stop(): Promise<void> {
  if (stopping) {
    return;
  }
  stopping = true;
  server.close();
  await connection.driver.end({ timeout: 1 });
  process.exit(0);
}
process.on("SIGTERM", () => void stop());
process.on("SIGINT", () => void stop());
