import { generateKeyPairSync, randomBytes } from "node:crypto";
import { type Child, freePort, startChild } from "./children.ts";

/** Supabase as a test's clients see it. */
export interface TestSupabase {
  url: string;
  publishableKey: string;
  secretKey: string;
}

/** The standalone edition's Postgres on a data folder, and its URL. */
export async function startPostgres(dataDir: string): Promise<Child & { url: string }> {
  const port = await freePort();
  const password = randomBytes(12).toString("hex");
  const child = await startChild({
    main: "apps/standalone/src/postgres/main.ts",
    env: { GENQ_DATA_DIR: dataDir, PORT: String(port), POSTGRES_PASSWORD: password },
  });
  return { ...child, url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres` };
}

/** The standalone edition's Supabase Auth and Storage over any Postgres; it makes its own tables there. */
export async function startSupabase(dataDir: string, databaseUrl: string): Promise<Child & TestSupabase> {
  const port = await freePort();
  const publishableKey = `sb_publishable_${randomBytes(18).toString("hex")}`;
  const secretKey = `sb_secret_${randomBytes(18).toString("hex")}`;
  const signingKey = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  const child = await startChild({
    main: "apps/standalone/src/supabase/main.ts",
    env: {
      GENQ_DATA_DIR: dataDir,
      PORT: String(port),
      DATABASE_URL: databaseUrl,
      EXPERIMENTAL_STORAGE: "1",
      JWT_SECRET: randomBytes(32).toString("hex"),
      SIGNING_KEY: signingKey.export({ type: "pkcs8", format: "pem" }).toString(),
      SUPABASE_PUBLISHABLE_KEY: publishableKey,
      SUPABASE_SECRET_KEY: secretKey,
      STORAGE_BUCKET: "genq",
      MAX_OBJECT_BYTES: String(50 * 1024 * 1024),
      SITE_URL: "http://127.0.0.1",
    },
  });
  return { ...child, url: `http://127.0.0.1:${port}`, publishableKey, secretKey };
}
