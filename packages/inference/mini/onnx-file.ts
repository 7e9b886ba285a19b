/** Writes ONNX files: just as much of the protobuf format as a model's graph needs. */

const FLOAT = 1;
const UINT8 = 2;
const INT8 = 3;
const INT64 = 7;
const FLOAT16 = 10;

/** The domain of ONNX Runtime's own operators. */
export const MICROSOFT = "com.microsoft";

type Bytes = Uint8Array;
type Dim = number | string;
/** An integer, a list of them, or a number that is not whole. */
export type AttributeValue = number | readonly number[] | { float: number };

interface OnnxValue {
  name: string;
  type: "float" | "float16" | "int64";
  shape: readonly Dim[];
}

export interface OnnxGraph {
  nodes: Bytes[];
  initializers: Bytes[];
  inputs: OnnxValue[];
  outputs: OnnxValue[];
}

function varint(value: number): Bytes {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}

const int = (field: number, value: number): Bytes => Buffer.concat([varint(field << 3), varint(value)]);
const float = (field: number, value: number): Bytes =>
  Buffer.concat([varint((field << 3) | 5), new Uint8Array(Float32Array.of(value).buffer)]);
const bytes = (field: number, value: Bytes): Bytes =>
  Buffer.concat([varint((field << 3) | 2), varint(value.length), value]);
const text = (field: number, value: string): Bytes => bytes(field, Buffer.from(value));
const message = (field: number, ...parts: Bytes[]): Bytes => bytes(field, Buffer.concat(parts));

function attribute(name: string, value: AttributeValue): Bytes {
  if (typeof value === "number") return message(5, text(1, name), int(3, value), int(20, 2));
  if ("float" in value) return message(5, text(1, name), float(2, value.float), int(20, 1));
  return message(5, text(1, name), ...value.map((item) => int(8, item)), int(20, 7));
}

/** One operator, of the default ONNX domain unless said. An input without a name is left out. */
export function node(
  operator: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Readonly<Record<string, AttributeValue>> = {},
  domain = "",
): Bytes {
  return message(
    1,
    ...inputs.map((name) => text(1, name)),
    ...outputs.map((name) => text(2, name)),
    text(4, operator),
    ...Object.entries(attributes).map(([name, value]) => attribute(name, value)),
    ...(domain ? [text(7, domain)] : []),
  );
}

function tensor(name: string, shape: readonly number[], type: number, data: ArrayBufferView): Bytes {
  const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return message(5, ...shape.map((size) => int(1, size)), int(2, type), text(8, name), bytes(9, raw));
}

export const floats = (name: string, shape: readonly number[], values: ArrayLike<number>) =>
  tensor(name, shape, FLOAT, values instanceof Float32Array ? values : Float32Array.from(values));

/** Half precision. */
export const halves = (name: string, shape: readonly number[], values: ArrayLike<number>) =>
  tensor(name, shape, FLOAT16, Float16Array.from(values));

export const uint8s = (name: string, shape: readonly number[], values: Uint8Array) =>
  tensor(name, shape, UINT8, values);

export const int8s = (name: string, shape: readonly number[], values: Int8Array) =>
  tensor(name, shape, INT8, values);

export const int64s = (name: string, shape: readonly number[], values: readonly number[]) =>
  tensor(name, shape, INT64, BigInt64Array.from(values, BigInt));

const valueTypes = { float: FLOAT, float16: FLOAT16, int64: INT64 } as const;

function valueInfo(field: number, value: OnnxValue): Bytes {
  const dims = value.shape.map((dim) => message(1, typeof dim === "number" ? int(1, dim) : text(2, dim)));
  const type = message(1, int(1, valueTypes[value.type]), message(2, ...dims));
  return message(field, text(1, value.name), message(2, type));
}

/** The bytes of a model file (IR version 8, opset 17). `domains` are those besides ONNX's own. */
export function onnxModel(
  graph: OnnxGraph,
  name: string,
  description: string,
  domains: readonly string[] = [],
): Bytes {
  return Buffer.concat([
    int(1, 8),
    text(2, "genq"),
    text(6, description),
    message(
      7,
      ...graph.nodes,
      text(2, name),
      ...graph.initializers,
      ...graph.inputs.map((value) => valueInfo(11, value)),
      ...graph.outputs.map((value) => valueInfo(12, value)),
    ),
    message(8, text(1, ""), int(2, 17)),
    ...domains.map((domain) => message(8, text(1, domain), int(2, 1))),
  ]);
}
