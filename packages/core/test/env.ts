/** The environment that the processes of a test's stack inherit. */
export function inheritedEnv(): NodeJS.ProcessEnv {
  return { ...process.env };
}
