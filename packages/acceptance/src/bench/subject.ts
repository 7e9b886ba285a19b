import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "../stack/free-ports.ts";
import { launch, shutDown } from "../stack/launch.ts";
import type { Figures } from "./figures.ts";
import { memoryOfDescendants, memoryOfMetrics, type ReadMemory } from "./memory.ts";

/** A running stack that is measured. */
export interface Subject extends AsyncDisposable {
  edition: string;
  apiUrl: string;
  readMemory: ReadMemory;
}

/** Starts `npm start` in a temporary folder twice: the first start makes the database, the second finds it. */
export async function startStandalone(figures: Figures): Promise<Subject> {
  const dataDir = await mkdtemp(join(tmpdir(), "genq-bench-"));
  // A measurement is one user in a great hurry.
  const options = { port: await freePorts(), dataDir, env: { RATE_LIMIT_PER_MINUTE: "100000000" } };
  const first = await launch(options);
  figures.add("ready, first start", first.readyMs / 1000, "s");
  await shutDown(first);
  const stack = await launch(options);
  figures.add("ready, later starts", stack.readyMs / 1000, "s");
  return {
    edition: "standalone",
    apiUrl: stack.apiUrl,
    readMemory: memoryOfDescendants(stack.npm.pid ?? 0),
    [Symbol.asyncDispose]: async () => {
      await shutDown(stack);
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** A stack that somebody else started. */
export function takeRunning(apiUrl: string, workerUrls: string[]): Subject {
  return {
    edition: "server",
    apiUrl: apiUrl.replace(/\/+$/, ""),
    readMemory: memoryOfMetrics(apiUrl, workerUrls),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
