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

interface TestServers {
  databaseUrl: string;
  queueUrl: string;
  /** Files with the pid of a server that something starts again when it dies; undefined where nothing does. */
  postgresPidFile: string | undefined;
  queuePidFile: string | undefined;
}

/** The servers that `.ci/servers` provides. @throws Error when they are not named */
export function testServers(): TestServers {
  const databaseUrl = process.env["TEST_DATABASE_URL"];
  const queueUrl = process.env["TEST_QUEUE_URL"];
  if (!databaseUrl || !queueUrl) {
    throw new Error(
      "The server edition needs TEST_DATABASE_URL and TEST_QUEUE_URL: bash .ci/servers --queue redis npm run chaos",
    );
  }
  const file = (name: string) => process.env[name] || undefined;
  return {
    databaseUrl,
    queueUrl,
    postgresPidFile: file("TEST_POSTGRES_PID_FILE"),
    queuePidFile: file("TEST_QUEUE_PID_FILE"),
  };
}
