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
