import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";

/** Jobs that a worker of either side runs at a time. */
export const guaranteeConcurrency = 50;

/** What each process of the benchmark is told to connect to, as one JSON argument. */
export interface Connections {
  databaseUrl: string;
  queueUrl: string;
  prefix: string;
}

export interface Request {
  /** Adds so many tasks, and answers when the last was accepted. Without it: how many were done so far. */
  add?: { tasks: number; inFlight: number; userIds: string[] };
}

export interface Reply {
  /** Tasks that this process has done since its start. */
  done: number;
  /** Processor time of this process since its start. */
  cpuMs: number;
  /** Milliseconds until each task was accepted. */
  acceptedMs: number[];
}

/** A process of the benchmark, asked one thing at a time. */
export interface Child {
  ask(request?: Request): Promise<Reply>;
  stop(): Promise<void>;
}

export async function startChild(main: string, connections: Connections): Promise<Child> {
  const path = fileURLToPath(new URL(`../../../../${main}`, import.meta.url));
  // Its log lines cost what they cost in production, and go nowhere.
  const child = fork(path, [JSON.stringify(connections)], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
  await reply(child, main);
  return {
    ask: (request = {}) => {
      const answered = reply(child, main);
      child.send(request);
      return answered;
    },
    stop: () => {
      const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
      if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
      child.disconnect();
      return ended;
    },
  };
}

function reply(child: ChildProcess, main: string): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const onMessage = (message: unknown) => {
      child.off("exit", onExit);
      // Only this file's own `serveChild` sends on the channel.
      resolve(message as Reply);
    };
    const onExit = () => {
      child.off("message", onMessage);
      reject(new Error(`${main} ended.`));
    };
    child.once("message", onMessage);
    child.once("exit", onExit);
  });
}

/** The child's side: answers requests until the benchmark lets go of it. */
export function serveChild(options: {
  done: () => number;
  add?: (userId: string) => Promise<unknown>;
  close: () => Promise<unknown>;
}): void {
  const answer = async ({ add }: Request) => {
    const acceptedMs: number[] = [];
    if (add !== undefined && options.add !== undefined) {
      const { add: addOne } = options;
      let next = 0;
      const lane = async () => {
        for (let index = next++; index < add.tasks; index = next++) {
          const begun = performance.now();
          await addOne(add.userIds[index % add.userIds.length] ?? "");
          acceptedMs.push(performance.now() - begun);
        }
      };
      await Promise.all(Array.from({ length: add.inFlight }, lane));
    }
    const { user, system } = process.cpuUsage();
    process.send?.({ done: options.done(), cpuMs: (user + system) / 1000, acceptedMs } satisfies Reply);
  };
  // Only this file's own `ask` sends on the channel.
  process.on("message", (request) => void answer(request as Request).catch(fail));
  process.on("disconnect", () => void options.close().then(() => process.exit(0), fail));
  void answer({});
}

/** What this file's own `startChild` wrote. */
export function connectionsOfChild(): Connections {
  return JSON.parse(process.argv[2] ?? "null") as Connections;
}

function fail(error: unknown): never {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(1);
}
