import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { ApiStack } from "./open-test-api.ts";

/** One of the api's programs as its own process. */
export interface ApiProcess {
  process: ChildProcessWithoutNullStreams;
  /** What it wrote so far. */
  stdout(): string;
  stderr(): string;
  /** Its exit code. */
  ended: Promise<number>;
}

/** What the api needs to run on a test file's stack, on any free port. */
export function environmentOf(stack: ApiStack): Record<string, string> {
  return {
    EDITION: "standalone",
    PORT: "0",
    DATABASE_URL: stack.databaseUrl,
    QUEUE_URL: stack.queueUrl,
    QUEUE_PREFIX: stack.queuePrefix,
    SUPABASE_URL: stack.supabase.url,
    SUPABASE_PUBLISHABLE_KEY: stack.supabase.publishableKey,
    SUPABASE_SECRET_KEY: stack.supabase.secretKey,
  };
}

/** Runs a file of `src` with an environment of its own, as an operator would. */
export function run(main: string, env: Record<string, string>): ApiProcess {
  const child = spawn(process.execPath, [fileURLToPath(new URL(`../src/${main}`, import.meta.url))], {
    env: { PATH: "/usr/bin:/bin", ...env },
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  return {
    process: child,
    stdout: () => stdout,
    stderr: () => stderr,
    ended: once(child, "close").then(([code]) => Number(code)),
  };
}

/** Starts the api and waits until it says where it listens. @throws Error with what it wrote, when it ends first */
export async function startApi(env: Record<string, string>): Promise<ApiProcess & { url: string }> {
  const api = run("main.ts", env);
  const told = Promise.withResolvers<string>();
  api.process.stdout.on("data", () => {
    const url = /"url":"(http:[^"]+)","edition"/.exec(api.stdout())?.[1];
    if (url !== undefined) told.resolve(url);
  });
  const failed = api.ended.then((code) => {
    throw new Error(`The api ended with ${code}:\n${api.stdout()}${api.stderr()}`);
  });
  failed.catch(() => undefined);
  return { ...api, url: await Promise.race([told.promise, failed]) };
}
