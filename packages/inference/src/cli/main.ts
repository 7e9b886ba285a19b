import { resolve } from "node:path";
import { z } from "zod";
import { InferenceError } from "../inference-error.ts";
import { onDevice } from "../model-catalog.ts";
import { readKnownModels } from "../own-models.ts";
import type { Context } from "./context.ts";
import { readEnv } from "./env.ts";
import { type Flags, helpText, parseFlags } from "./flags.ts";
import { info } from "./info.ts";
import { list } from "./list.ts";
import { pull } from "./pull.ts";
import { createScreen } from "./screen.ts";
import { tune } from "./tune.ts";
import { warm } from "./warm.ts";

async function run({ name, json, ...flags }: Flags): Promise<void> {
  const stop = new AbortController();
  process.once("SIGINT", () => stop.abort());
  process.once("SIGTERM", () => stop.abort());
  const screen = createScreen(json);
  try {
    const env = readEnv();
    const cacheDir = resolve(flags.dir ?? env.MODELS_DIR);
    const known = readKnownModels(cacheDir).map((model) => onDevice(model, env.MODEL_DEVICE));
    const context = { name, cacheDir, hubEndpoint: env.HF_ENDPOINT, known, signal: stop.signal, screen };
    const result = await commands[flags.command](context, flags.from);
    if (json) process.stdout.write(`${JSON.stringify(result)}\n`);
  } catch (error) {
    screen.show("");
    if (stop.signal.aborted) fail(130, "Stopped. What came stays: the same command goes on from there.");
    else if (error instanceof InferenceError) fail(1, error.message);
    else if (error instanceof z.ZodError) fail(2, `The environment is wrong:\n${z.prettifyError(error)}`);
    else throw error;
  }
}

const commands: Record<Flags["command"], (context: Context, from: string | undefined) => Promise<object>> = {
  list,
  info,
  pull,
  warm,
  tune,
};

function fail(code: number, message: string): void {
  process.stderr.write(`${message}\n`);
  process.exitCode = code;
}

const flags = parseFlags(process.argv.slice(2));
if (flags === "help") process.stdout.write(helpText);
else if ("trouble" in flags) fail(2, `${flags.trouble} --help shows the commands.`);
else await run(flags);
