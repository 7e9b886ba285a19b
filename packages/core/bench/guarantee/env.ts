/** The servers that `.ci/servers` provides. Undefined when they are not named. */
export function benchServers(): { databaseUrl: string; queueUrl: string } | undefined {
  const databaseUrl = process.env["TEST_DATABASE_URL"];
  const queueUrl = process.env["TEST_QUEUE_URL"];
  return databaseUrl && queueUrl ? { databaseUrl, queueUrl } : undefined;
}
