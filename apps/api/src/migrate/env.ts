import { z } from "zod";

const schema = z.object({
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/, error: "must be a postgres:// URL" }),
  QUEUE_URL: z.url({
    protocol: /^(rediss?|postgres(ql)?)$/,
    error: "must be a redis://, rediss:// or postgres:// URL",
  }),
});

export type MigrateEnvResult =
  | { ok: true; env: Readonly<{ databaseUrl: string; queueUrl: string }> }
  | { ok: false; problems: string[] };

export function readMigrateEnv(source: NodeJS.ProcessEnv = process.env): MigrateEnvResult {
  const parsed = schema.safeParse(source);
  if (parsed.success) {
    const env = Object.freeze({ databaseUrl: parsed.data.DATABASE_URL, queueUrl: parsed.data.QUEUE_URL });
    return { ok: true, env };
  }
  const problems = parsed.error.issues.map((issue) => {
    const name = issue.path.join(".");
    return `${name} ${source[name] === undefined ? "is missing" : issue.message}`;
  });
  return { ok: false, problems };
}
