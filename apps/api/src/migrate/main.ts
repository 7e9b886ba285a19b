import { migrate } from "@genq/core/db";
import { migrateQueue } from "@genq/core/queue";
import { readMigrateEnv } from "./env.ts";

const result = readMigrateEnv();
if (!result.ok) fail(result.problems.join("; "));

try {
  const applied = await migrate(result.env.databaseUrl);
  await migrateQueue(result.env.queueUrl);
  process.stdout.write(
    applied.length === 0
      ? "The database is up to date.\n"
      : `The database is up to date: applied ${applied.join(", ")}.\n`,
  );
} catch (error) {
  const { message } = error instanceof Error ? error : new Error(String(error));
  const code = error instanceof Error && "code" in error ? ` (${String(error.code)})` : "";
  fail(`${message || "no answer"}${code}`);
}

function fail(why: string): never {
  process.stderr.write(`The database could not be migrated: ${why.replaceAll(/\s+/g, " ")}\n`);
  process.exit(1);
}
