import { z } from "zod";
import { devices } from "../types.ts";

/** The worker's variables, with its defaults. */
const schema = z.object({
  MODELS_DIR: z.string().default(".cache/models"),
  HF_ENDPOINT: z.url({ protocol: /^https?$/ }).default("https://huggingface.co"),
  MODEL_DEVICE: z.enum(devices).optional(),
});

/** @throws z.ZodError */
export function readEnv(): z.infer<typeof schema> {
  return schema.parse(Object.fromEntries(Object.entries(process.env).filter(([, value]) => value !== "")));
}

/** Whether lines may move: on a terminal, unless its user wants none. */
export function isMovable(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY && process.env["TERM"] !== "dumb";
}
