import { Tensor } from "onnxruntime-node";
import type { KvData } from "./kv-layout.ts";

/** A tensor over keys or values. */
export function kvTensor(data: KvData, dims: readonly number[]): Tensor {
  if (data instanceof Float32Array) return new Tensor("float32", data, dims);
  // The class makes a Float16Array of it, of which the native side of onnxruntime-node 1.30 reads no bytes.
  return Object.defineProperty(new Tensor("float16", data, dims), "data", { value: data });
}

/** Keys or values as the runtime gave them, to be fed again. */
export function asKvTensor(tensor: Tensor): Tensor {
  if (tensor.location !== "cpu" || !(tensor.data instanceof Float16Array)) return tensor;
  const { buffer, byteOffset, length } = tensor.data;
  return kvTensor(new Uint16Array(buffer, byteOffset, length), tensor.dims);
}
