import { expect, it } from "vitest";
import { z } from "zod";
import { parseEnv } from "./env.ts";

const least = {
  DATABASE_URL: "postgres://a:b@127.0.0.1/postgres",
  QUEUE_URL: "redis://127.0.0.1",
  SUPABASE_URL: "http://127.0.0.1:54321",
  SUPABASE_SECRET_KEY: "sb_secret_x",
};

it("needs four variables only, and takes an empty one for none", () => {
  const env = parseEnv({ ...least, WORKER_PORT: "", LOG_LEVEL: "", HOME: "/root" });
  expect(env).toMatchObject({ EDITION: "server", WORKER_PORT: 0, LOG_LEVEL: "info", DATABASE_PREPARE: true });
  expect(env).not.toHaveProperty("HOME");
});

it("tells all problems at once", () => {
  const parse = () =>
    parseEnv({ ...least, DATABASE_URL: "mysql://x", QUEUE_URL: undefined, WORKER_PORT: "99999" });
  expect(parse).toThrow(z.ZodError);
  try {
    parse();
  } catch (error) {
    const paths = error instanceof z.ZodError ? error.issues.map(({ path }) => path.join()) : [];
    expect(paths.sort()).toEqual(["DATABASE_URL", "QUEUE_URL", "WORKER_PORT"]);
  }
});
