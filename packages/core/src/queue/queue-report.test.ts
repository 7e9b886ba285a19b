import { expect, it } from "vitest";
import { reportRedis } from "./queue-report.ts";

const info = (fields: Record<string, string>) =>
  [
    "# Server",
    ...Object.entries({
      redis_version: "7.0.15",
      maxmemory_policy: "noeviction",
      aof_enabled: "1",
      maxmemory: "0",
      used_memory: "1000",
      ...fields,
    }).map(([name, value]) => `${name}:${value}`),
  ].join("\r\n");

it("finds nothing wrong with a Redis that keeps what it is given", () => {
  expect(reportRedis(info({}), undefined)).toEqual({ problems: [], warnings: [], memory: null });
  expect(reportRedis(info({ aof_enabled: "0" }), "3600 1 300 100")).toMatchObject({ warnings: [] });
});

it("refuses a Redis that evicts, and says what to set", () => {
  const { problems } = reportRedis(info({ maxmemory_policy: "allkeys-lru" }), "");
  expect(problems).toEqual([expect.stringMatching(/allkeys-lru.*Set maxmemory-policy noeviction/)]);
  expect(reportRedis(info({ maxmemory_policy: "" }), "")).toMatchObject({
    problems: [],
    warnings: [expect.stringContaining("maxmemory-policy")],
  });
});

it("warns of a Redis that keeps nothing, or does not tell", () => {
  for (const save of ["", undefined]) {
    const { warnings } = reportRedis(info({ aof_enabled: "0" }), save);
    expect(warnings).toEqual([expect.stringMatching(/rows in Postgres are the truth.*appendonly yes/)]);
  }
});

it("refuses what is older than BullMQ takes, and warns of what it advises against", () => {
  expect(reportRedis(info({ redis_version: "4.0.9" }), "").problems).toHaveLength(1);
  expect(reportRedis(info({ redis_version: "6.0.16" }), "")).toMatchObject({
    problems: [],
    warnings: [expect.stringContaining("6.2")],
  });
});

it("tells memory, and warns from 90 % on", () => {
  const at = (used: string) => reportRedis(info({ maxmemory: "1000", used_memory: used }), "");
  expect(at("899")).toEqual({ problems: [], warnings: [], memory: { usedBytes: 899, maxBytes: 1000 } });
  expect(at("900").warnings).toEqual([expect.stringContaining("90 % full")]);
});
