import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { InferenceSession } from "onnxruntime-node";
import { lastLogitsPatch, patched } from "./last-logits.ts";

/** Opens a decoder's weights on the CPU, with logits for the last token of each text alone where its graph allows that. */
export async function openSession(
  file: string,
  options: InferenceSession.SessionOptions,
): Promise<InferenceSession> {
  try {
    const model = await readFile(file);
    const patch = lastLogitsPatch(model);
    if (patch) return await InferenceSession.create(patched(model, patch), inFolder(options, dirname(file)));
  } catch {
    // Of a file larger than Node reads at once, or no ONNX file at all, ONNX Runtime knows what to say.
  }
  return await InferenceSession.create(file, options);
}

/** Bytes have no folder: where their weights are in files of their own, it must be told. */
function inFolder({ extra, ...options }: InferenceSession.SessionOptions, folder: string) {
  const session = { ...Object(extra?.["session"]), model_external_initializers_file_folder_path: folder };
  return { ...options, extra: { ...extra, session } };
}
