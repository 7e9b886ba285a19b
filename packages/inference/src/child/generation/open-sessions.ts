import { open, readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { InferenceSession } from "onnxruntime-node";
import { mayBeHeldTwice } from "../../memory-limit.ts";
import { keepActivations } from "./keep-activations.ts";
import { keepLastLogits, roomToGrow } from "./last-logits.ts";

export interface DecoderSessions {
  /** For single tokens. */
  steps: InferenceSession;
  /** For prompts: the same session, or one of the same weights that is faster with many tokens. */
  prompts: InferenceSession;
}

/** Opens a decoder's weights on the CPU, with logits for the last token of each text alone where its graph allows that. */
export async function openSessions(
  file: string,
  options: InferenceSession.SessionOptions,
): Promise<DecoderSessions> {
  const model = await readGraph(file);
  if (!model) return one(await InferenceSession.create(file, options));
  const here = inFolder(options, dirname(file));
  const steps = await InferenceSession.create(model, here);
  const twice = mayBeHeldTwice(await weightsBytes(file)) && keepActivations(model);
  return twice ? { steps, prompts: await InferenceSession.create(model, here) } : one(steps);
}

const one = (session: InferenceSession): DecoderSessions => ({ steps: session, prompts: session });

/** Of what is larger than Node reads at once, or no ONNX file at all, ONNX Runtime knows what to say. */
async function readGraph(path: string): Promise<Buffer | undefined> {
  try {
    await using file = await open(path);
    const { size } = await file.stat();
    const bytes = Buffer.alloc(size + roomToGrow);
    const { bytesRead } = await file.read(bytes, 0, size);
    return bytesRead === size ? keepLastLogits(bytes) : undefined;
  } catch {
    return undefined;
  }
}

/** Of the graph's file, and of those beside it that hold its weights. */
async function weightsBytes(file: string): Promise<number> {
  const folder = dirname(file);
  const names = (await readdir(folder)).filter((name) => name.startsWith(basename(file)));
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Bytes have no folder: where their weights are in files of their own, it must be told. */
function inFolder({ extra, ...options }: InferenceSession.SessionOptions, folder: string) {
  const session = { ...Object(extra?.["session"]), model_external_initializers_file_folder_path: folder };
  return { ...options, extra: { ...extra, session } };
}
