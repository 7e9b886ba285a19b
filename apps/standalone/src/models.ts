import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { Flags } from "./flags.ts";

export interface ModelChoice {
  readonly embedding: string;
  readonly generation: string;
  readonly source: "hub" | "bundled";
  /** Lines for the screen: why, and what it means for what is stored already. */
  readonly notes: string[];
}

const hub = {
  embedding: "Xenova/multilingual-e5-small",
  generation: "onnx-community/Qwen3-0.6B-ONNX",
  source: "hub",
} as const;
const bundled = {
  embedding: "genq/mini-embedder",
  generation: "genq/mini-generator",
  source: "bundled",
} as const;
const probeMs = 3000;

/** Picks the models. `auto` asks the hub for a small file and falls back; nothing else does. Never fails. */
export async function chooseModels(
  flag: Flags["models"],
  hubEndpoint: string,
  overrides: { embedding?: string | undefined; generation?: string | undefined },
): Promise<ModelChoice> {
  const named = {
    ...hub,
    embedding: overrides.embedding ?? hub.embedding,
    generation: overrides.generation ?? hub.generation,
  };
  if (flag === "mini") {
    return { ...bundled, notes: [] };
  }
  if (flag === "hub") {
    return { ...named, notes: [] };
  }
  const problem = await hubTrouble(hubEndpoint, named.embedding);
  return problem === undefined
    ? { ...named, notes: [] }
    : {
        ...bundled,
        notes: [
          `The model hub ${hubEndpoint} can't be reached (${problem}): using the bundled mini models. --models hub waits for it.`,
        ],
      };
}

/** What is wrong with the hub, asked for a small file of the model; undefined when it answers. */
export async function hubTrouble(hubEndpoint: string, model: string): Promise<string | undefined> {
  const url = `${hubEndpoint.replace(/\/$/, "")}/${model}/resolve/main/config.json`;
  try {
    const response = await fetch(url, { method: "HEAD", signal: AbortSignal.timeout(probeMs) });
    return response.ok ? undefined : `it answers ${response.status}`;
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    if (cause instanceof Error && cause.name === "TimeoutError") {
      return `no answer in ${probeMs / 1000} s`;
    }
    return cause instanceof Error && "code" in cause ? String(cause.code) : "no connection";
  }
}

const lastSchema = z.object({ embedding: z.string() });

/** Remembers the embedding model; a line when it is another one than last time, since searches never mix models. */
export function rememberModels(dataFolder: string, choice: ModelChoice): string | undefined {
  const file = join(dataFolder, "models.json");
  let last: string | undefined;
  try {
    last = existsSync(file) ? lastSchema.parse(JSON.parse(readFileSync(file, "utf8"))).embedding : undefined;
  } catch {
    last = undefined;
  }
  writeFileSync(file, `${JSON.stringify({ embedding: choice.embedding, generation: choice.generation })}\n`);
  return last !== undefined && last !== choice.embedding
    ? `The last start used ${last}: files uploaded then are found again when it is used, or when they are uploaded anew.`
    : undefined;
}
