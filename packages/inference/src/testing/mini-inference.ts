import { execFileSync } from "node:child_process";
import { createInference } from "../create-inference.ts";
import type { Device, Inference, InferenceLimits, ModelStatus } from "../types.ts";

/** Inference with the bundled models and no network. */
export function createMiniInference(
  limits: Partial<InferenceLimits> = {},
  onStatus: (status: ModelStatus) => void = () => {},
  device: Device | undefined = undefined,
): Inference {
  return createInference({
    models: { embedding: "genq/mini-embedder", generation: "genq/mini-generator" },
    cacheDir: "unused",
    hubEndpoint: "http://127.0.0.1:9",
    limits,
    onStatus,
    device,
  });
}

/** A child whose requests say what goes wrong with it, for `InferenceOptions.childMain`. */
export const misbehavingChild = new URL("./misbehaving-main.ts", import.meta.url);

/** The process of a model, a child of this process unless said. */
export function modelPid(id: string, parent = process.pid): number {
  const lines = execFileSync("ps", ["-A", "-o", "pid=,ppid=,args="], { encoding: "utf8" }).split("\n");
  const found = lines
    .map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line))
    .find((match) => {
      return Number(match?.[2]) === parent && match?.[3]?.includes(`genq-model ${id}`);
    });
  if (!found) throw new Error(`No process of ${id}.`);
  return Number(found[1]);
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
