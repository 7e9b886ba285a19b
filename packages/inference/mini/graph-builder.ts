import {
  type AttributeValue,
  floats,
  halves,
  int8s,
  int64s,
  node,
  type OnnxGraph,
  uint8s,
} from "./onnx-file.ts";

/** Puts a graph together, operator by operator. */
export class GraphBuilder {
  readonly graph: OnnxGraph = { nodes: [], initializers: [], inputs: [], outputs: [] };
  /** Of the numbers that are not whole. */
  readonly type: "float" | "float16";
  #constants = 0;

  constructor(type: "float" | "float16" = "float") {
    this.type = type;
  }

  /** Adds an operator with one output and returns the output's name, which is `name`. */
  op(
    name: string,
    operator: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, AttributeValue>> = {},
    domain = "",
  ): string {
    this.graph.nodes.push(node(operator, inputs, [name], attributes, domain));
    return name;
  }

  /** Adds an operator with several outputs. */
  ops<Names extends readonly string[]>(
    names: Names,
    operator: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, AttributeValue>> = {},
    domain = "",
  ): Names {
    this.graph.nodes.push(node(operator, inputs, names, attributes, domain));
    return names;
  }

  ints(values: readonly number[], shape: readonly number[] = [values.length]): string {
    const name = `ints_${this.#constants++}`;
    this.graph.initializers.push(int64s(name, shape, values));
    return name;
  }

  float(values: ArrayLike<number>, shape: readonly number[] = []): string {
    return this.floats(`floats_${this.#constants++}`, values, shape);
  }

  floats(name: string, values: ArrayLike<number>, shape: readonly number[]): string {
    this.graph.initializers.push((this.type === "float" ? floats : halves)(name, shape, values));
    return name;
  }

  bytes(name: string, values: Int8Array | Uint8Array, shape: readonly number[]): string {
    this.graph.initializers.push(
      values instanceof Int8Array ? int8s(name, shape, values) : uint8s(name, shape, values),
    );
    return name;
  }
}
