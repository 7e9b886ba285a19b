import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { fileURLToPath } from "node:url";
import { inheritedEnv } from "./env.ts";

const repository = fileURLToPath(new URL("../../../", import.meta.url));

/** Ends a process when the one that started it is gone, however that went. */
const lifeLine = `${repository}apps/standalone/src/process/life-line.ts`;

/** A process of the stack under test. */
export interface Child {
  /** The line that it was waited for, when there was one. */
  readonly readyLine: string;
  /** Asks it to end, kills it after ten seconds, and resolves when it is gone. */
  stop(): Promise<void>;
}

export interface ChildOptions {
  /** Path of its main file from the root of the repository. */
  main: string;
  arguments?: string[];
  env?: Record<string, string>;
  /** How it is seen that it can be used: a check, the start of a line of its output, or its message over IPC. */
  ready?: () => Promise<boolean>;
  readyLine?: string;
}

/** Starts a child and waits until it is ready. @throws Error with the end of what it wrote, when it ends first */
export async function startChild(options: ChildOptions): Promise<Child> {
  const child = fork(`${repository}${options.main}`, options.arguments ?? [], {
    cwd: repository,
    env: { ...inheritedEnv(), ...options.env },
    execArgv: ["--import", lifeLine],
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  let written = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      written = (written + text).slice(-20_000);
    });
  }
  const failed = (how: string) => new Error(`${options.main} ${how}. It wrote:\n${written.slice(-4000)}`);
  const line = () => written.split("\n").find((it) => options.readyLine && it.startsWith(options.readyLine));
  const check =
    options.ready ?? (options.readyLine ? () => Promise.resolve(line() !== undefined) : undefined);
  const ended = once(child, "exit").then(([code, signal]) => {
    throw failed(`ended with ${String(code ?? signal)} before it was ready`);
  });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(failed("was not ready after 45 s")), 45_000);
  });
  try {
    await Promise.race([ended, late, check ? until(check, child) : reportedReady(child)]);
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  } finally {
    clearTimeout(timer);
    ended.catch(() => undefined);
  }
  return { readyLine: line() ?? "", stop: () => stopChild(child) };
}

async function reportedReady(child: ChildProcess): Promise<void> {
  for (;;) {
    const [message] = (await once(child, "message")) as [{ type?: unknown } | null];
    if (message?.type === "ready") return;
  }
}

async function until(check: () => Promise<boolean>, child: ChildProcess): Promise<void> {
  while (!hasEnded(child) && !(await check().catch(() => false))) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  const gone = once(child, "exit");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), 10_000);
  await gone;
  clearTimeout(timer);
}

/** A port that is free now, together with the ones after it when `count` is more than 1. */
export async function freePort(count = 1): Promise<number> {
  for (;;) {
    const first = await listen(0);
    const address = first?.address();
    if (first === undefined || address === null || typeof address !== "object") continue;
    const rest = await Promise.all(
      Array.from({ length: count - 1 }, (_, index) => listen(address.port + index + 1)),
    );
    await Promise.all([first, ...rest].map((server) => server && close(server)));
    if (rest.every((server) => server !== undefined)) return address.port;
  }
}

async function listen(port: number): Promise<Server | undefined> {
  if (port > 65_535) return undefined;
  const server = createServer().listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
    return server;
  } catch {
    return undefined;
  }
}

async function close(server: Server): Promise<void> {
  server.close();
  await once(server, "close");
}
