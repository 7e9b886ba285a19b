import { expect, it } from "vitest";
import { readApiEnv } from "./env.ts";

const needed = {
  DATABASE_URL: "postgres://u:p@db/genq",
  QUEUE_URL: "redis://queue:6379",
  SUPABASE_URL: "https://project.supabase.co/",
  SUPABASE_PUBLISHABLE_KEY: "sb_publishable_x",
  SUPABASE_SECRET_KEY: "sb_secret_x",
};

function read(values: NodeJS.ProcessEnv) {
  const result = readApiEnv({ ...needed, ...values });
  return result.ok ? result.env : result.problems;
}

it("has a default for everything that may be left out", () => {
  expect(read({})).toMatchObject({
    edition: "server",
    host: "0.0.0.0",
    port: 8000,
    authenticate: true,
    supabaseUrl: "https://project.supabase.co",
    supabasePublicUrl: "https://project.supabase.co",
    corsOrigins: [],
  });
  expect(Object.isFrozen(read({}))).toBe(true);
});

it("stays on loopback in the standalone edition", () => {
  expect(read({ EDITION: "standalone" })).toMatchObject({
    host: "127.0.0.1",
    corsOrigins: ["http://localhost:*", "http://127.0.0.1:*"],
  });
});

it("takes an empty value for a missing one", () => {
  expect(read({ SUPABASE_JWT_SECRET: "", PORT: "" })).toMatchObject({
    port: 8000,
    supabaseJwtSecret: undefined,
  });
});

it("tells all problems at once", () => {
  const result = readApiEnv({
    PORT: "70000",
    DATABASE_URL: "mysql://x",
    LOG_LEVEL: "loud",
    AUTHENTICATE: "no",
  });
  const problems = result.ok ? [] : result.problems;
  for (const name of [
    "DATABASE_URL must be a postgres:// URL",
    "QUEUE_URL is missing",
    "SUPABASE_URL is missing",
    "SUPABASE_PUBLISHABLE_KEY is missing",
    "SUPABASE_SECRET_KEY is missing",
    "PORT ",
    "LOG_LEVEL ",
    "AUTHENTICATE ",
  ]) {
    expect(problems.filter((problem) => problem.startsWith(name))).toHaveLength(1);
  }
});

it.each([
  { EDITION: "server", HOST: "127.0.0.1" },
  { EDITION: "standalone", HOST: "0.0.0.0" },
  { EDITION: "standalone", HOST: "192.168.1.4" },
  { EDITION: "standalone", HOST: "127.evil.example" },
  { EDITION: "standalone", HOST: "::" },
])("refuses AUTHENTICATE=false with %j", (values) => {
  expect(read({ ...values, AUTHENTICATE: "false" })).toEqual([expect.stringContaining("AUTHENTICATE=false")]);
});

it.each(["127.0.0.1", "localhost", "::1"])("allows AUTHENTICATE=false on %s", (host) => {
  expect(read({ EDITION: "standalone", HOST: host, AUTHENTICATE: "false" })).toMatchObject({
    authenticate: false,
  });
});
