export interface BenchServers {
  databaseUrl: string;
  queueUrl: string;
  /** Where the number of Postgres' main process stands, when it runs on this machine. */
  postgresPidFile: string | undefined;
}

/** The servers that `.ci/servers` provides. Undefined when they are not named. */
export function benchServers(): BenchServers | undefined {
  const databaseUrl = process.env["TEST_DATABASE_URL"];
  const queueUrl = process.env["TEST_QUEUE_URL"];
  if (!databaseUrl || !queueUrl) return undefined;
  return { databaseUrl, queueUrl, postgresPidFile: process.env["TEST_POSTGRES_PID_FILE"] };
}
