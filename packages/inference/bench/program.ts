import { type ChildProcess, fork } from "node:child_process";
import { constants, setPriority } from "node:os";
import { fileURLToPath } from "node:url";

/** A process of the benchmark, asked one thing at a time. */
export interface Program<Request, Reply> extends AsyncDisposable {
  ask(request: Request): Promise<Reply>;
}

type Answer = { reply: unknown } | { trouble: string };

/**
 * Starts a program that ends with `serveProgram`, and waits until it has loaded what `options` name. It has a low
 * priority when what it is compared with has: on a busy machine that would be the difference.
 */
export async function startProgram<Request, Reply>(
  main: URL,
  options: unknown,
  { background = false } = {},
): Promise<Program<Request, Reply>> {
  const child = fork(fileURLToPath(main), [JSON.stringify(options)], {
    serialization: "advanced",
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  if (background) setPriority(child.pid ?? 0, constants.priority.PRIORITY_BELOW_NORMAL);
  await answerOf(child, main);
  return {
    ask: async (request) => {
      const answered = answerOf(child, main);
      child.send({ request });
      // The two sides of a program are written together.
      return (await answered) as Reply;
    },
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGKILL");
      await ended;
    },
  };
}

function answerOf(child: ChildProcess, main: URL): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const onExit = () => reject(new Error(`${main.pathname} ended.`));
    child.once("exit", onExit);
    // Only `serveProgram` sends on the channel.
    child.once("message", (message: Answer) => {
      child.off("exit", onExit);
      if ("reply" in message) resolve(message.reply);
      else reject(new Error(message.trouble));
    });
  });
}

/** The program's side. `load` gets the options and gives what answers the requests. */
export async function serveProgram<Options, Request>(
  load: (options: Options) => Promise<(request: Request) => Promise<unknown>>,
): Promise<void> {
  const answer = async (work: () => Promise<unknown>): Promise<Answer> => {
    try {
      return { reply: await work() };
    } catch (error) {
      return { trouble: error instanceof Error ? (error.stack ?? error.message) : String(error) };
    }
  };
  process.on("disconnect", () => process.exit());
  let handle: ((request: Request) => Promise<unknown>) | undefined;
  const loaded = await answer(async () => {
    handle = await load(JSON.parse(process.argv[2] ?? "null") as Options);
  });
  process.on("message", ({ request }: { request: Request }) => {
    void answer(async () => handle?.(request)).then((reply) => process.send?.(reply));
  });
  process.send?.(loaded);
}
