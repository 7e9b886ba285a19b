import type { ModelRecord } from "../types.ts";

/** Why a model did not load. ONNX Runtime names the operator that it has no kernel for, and not what to do about it. */
export function explainLoadError(error: unknown, { dtype, device = "cpu" }: ModelRecord): string {
  const message = error instanceof Error ? error.message : String(error);
  if (!/Could not find an implementation|NOT_IMPLEMENTED/.test(message)) return message;
  return `ONNX Runtime can't run its ${dtype} weights on the ${device}: ${message}. Another dtype in its record may do, such as fp32 or q4.`;
}
