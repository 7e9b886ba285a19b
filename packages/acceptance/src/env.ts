/** The environment that started processes inherit. */
export function inheritedEnv(): NodeJS.ProcessEnv {
  return { ...process.env };
}

/** Whether the suites of bad input print what they saw. */
export function printsTable(): boolean {
  return process.env["PRINT_TABLE"] === "1";
}

/** Whether a terminal or its user wants no colours and no moving lines (https://no-color.org). */
export function wantsPlainOutput(): boolean {
  return !process.stdout.isTTY || (process.env["NO_COLOR"] ?? "") !== "" || process.env["TERM"] === "dumb";
}

/** The servers that `.ci/servers` provides. @throws Error when they are not named */
export function testServers(): { databaseUrl: string; queueUrl: string } {
  const databaseUrl = process.env["TEST_DATABASE_URL"];
  const queueUrl = process.env["TEST_QUEUE_URL"];
  if (!databaseUrl || !queueUrl) {
    throw new Error(
      "The server edition needs TEST_DATABASE_URL and TEST_QUEUE_URL: bash .ci/servers --queue redis npm run chaos",
    );
  }
  return { databaseUrl, queueUrl };
}
