import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

/** Numbers of fields in onnx.proto, by message. */
const modelGraph = 7;
const graphField = { node: 1, initializer: 5, input: 11 } as const;
const nodeField = { input: 1, output: 2, operator: 4 } as const;
const tensorField = { dims: 1, type: 2, int64s: 7, name: 8 } as const;
const int64 = 7;

/** What makes logits of the hidden states that are its first input. */
const heads = new Set(["MatMul", "MatMulNBits"]);
/** What may follow a head, position by position: a cast, a scale, a soft cap. The first input has the positions. */
const followers = new Set(["Cast", "Mul", "Div", "Tanh"]);

interface Name {
  text: string;
  /** Where its bytes begin in the file. */
  at: number;
}

interface Node {
  operator: string;
  inputs: Name[];
  outputs: string[];
}

/** Bytes behind a file in which it may grow: a second copy of the weights would be large. */
export const roomToGrow = 4096;

/**
 * Makes a decoder's file compute logits for the last token of each text alone. Most graphs of the hub do it for all tokens
 * of a prompt, which costs as much as a fifth of the layers, or more where the vocabulary is large.
 *
 * The head's input is cut to its last position. Its name is replaced by one of the same length, so that the file's
 * bytes stay where they are; a graph that follows the file is merged into it, as the protobuf format has it.
 * @param bytes the file and `roomToGrow`; they are changed
 * @returns the file's bytes; as they were when the graph has a switch of its own for it, or a head that is not known here
 */
export function keepLastLogits(bytes: Buffer): Buffer {
  const size = bytes.length - roomToGrow;
  const model = bytes.subarray(0, size);
  const { makers, inputs } = readGraph(model);
  const hidden = inputs.has("num_logits_to_keep") ? undefined : inputOfHead(makers);
  if (!hidden) return model;
  const name = "~".repeat(Buffer.byteLength(hidden.text));
  const added = lastPosition(hidden.text, name);
  if (makers.has(name) || added.length > roomToGrow) return model;
  bytes.write(name, hidden.at);
  bytes.set(added, size);
  return bytes.subarray(0, size + added.length);
}

/** The hidden states, as the head takes them. */
function inputOfHead(makers: ReadonlyMap<string, Node>): Name | undefined {
  let node = makers.get("logits");
  while (node && followers.has(node.operator)) node = makers.get(node.inputs[0]?.text ?? "");
  const [hidden] = node && heads.has(node.operator) ? node.inputs : [];
  return hidden && makers.has(hidden.text) ? hidden : undefined;
}

/** The nodes by the names of their outputs, and the names of the graph's inputs. */
function readGraph(model: Uint8Array) {
  const makers = new Map<string, Node>();
  const inputs = new Set<string>();
  const reader = new BinaryReader(model);
  readFields(reader, model.length, (number) => {
    if (number !== modelGraph) return false;
    readFields(reader, endOfMessage(reader), (part) => {
      if (part === graphField.node) {
        const node = readNode(reader, endOfMessage(reader));
        for (const output of node.outputs) makers.set(output, node);
      } else if (part === graphField.input) {
        readFields(reader, endOfMessage(reader), (of) => of === 1 && Boolean(inputs.add(reader.string())));
      }
      return part === graphField.node || part === graphField.input;
    });
    return true;
  });
  return { makers, inputs };
}

function readNode(reader: BinaryReader, end: number): Node {
  const node: Node = { operator: "", inputs: [], outputs: [] };
  readFields(reader, end, (number) => {
    if (number === nodeField.input) {
      const text = reader.string();
      node.inputs.push({ text, at: reader.pos - Buffer.byteLength(text) });
    } else if (number === nodeField.output) node.outputs.push(reader.string());
    else if (number === nodeField.operator) node.operator = reader.string();
    else return false;
    return true;
  });
  return node;
}

/** Skips the fields that `read` leaves. */
function readFields(reader: BinaryReader, end: number, read: (number: number) => boolean): void {
  while (reader.pos < end) {
    const [number, type] = reader.tag();
    if (!read(number)) reader.skip(type, number);
  }
}

const endOfMessage = (reader: BinaryReader) => reader.uint32() + reader.pos;

/** A model of nothing but the graph that makes `output` of the last position of `input`. */
function lastPosition(input: string, output: string): Uint8Array {
  const writer = new BinaryWriter();
  const message = (number: number, write: () => void) => {
    writer.tag(number, WireType.LengthDelimited).fork();
    write();
    writer.join();
  };
  const text = (number: number, value: string) => writer.tag(number, WireType.LengthDelimited).string(value);
  const bounds = { starts: -1n, ends: 2n ** 63n - 1n, axes: 1n };
  const constant = (name: string) => `${output}.${name}`;
  message(modelGraph, () => {
    message(graphField.node, () => {
      for (const name of [input, ...Object.keys(bounds).map(constant)]) text(nodeField.input, name);
      text(nodeField.output, output);
      text(nodeField.operator, "Slice");
    });
    for (const [name, value] of Object.entries(bounds)) {
      message(graphField.initializer, () => {
        writer.tag(tensorField.dims, WireType.Varint).int64(1);
        writer.tag(tensorField.type, WireType.Varint).int32(int64);
        writer.tag(tensorField.int64s, WireType.Varint).int64(value);
        text(tensorField.name, constant(name));
      });
    }
  });
  return writer.finish();
}
