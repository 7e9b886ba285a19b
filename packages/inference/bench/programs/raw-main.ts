import { InferenceSession, Tensor } from "onnxruntime-node";
import { serveProgram } from "../program.ts";

/** The model's file and its threads. */
export interface RawOptions {
  file: string;
  threads: number;
}

/** Token ids of the rows of each run, to be done in turn. */
export type RawRequest = number[][][];

/** ONNX Runtime alone: no tokenizer, no pooling, nothing sent back but the milliseconds of each run. */
await serveProgram<RawOptions, RawRequest>(async ({ file, threads }) => {
  const session = await InferenceSession.create(file, { intraOpNumThreads: threads, interOpNumThreads: 1 });
  return async (runs) => {
    const times: number[] = [];
    for (const rows of runs) {
      const begun = performance.now();
      await session.run(feedsOf(rows));
      times.push(performance.now() - begun);
    }
    return times;
  };
});

function feedsOf(rows: number[][]): Record<string, Tensor> {
  const length = Math.max(...rows.map((row) => row.length));
  const ids = new BigInt64Array(rows.length * length);
  const mask = new BigInt64Array(rows.length * length);
  rows.forEach((row, index) => {
    ids.set(row.map(BigInt), index * length);
    mask.fill(1n, index * length, index * length + row.length);
  });
  const tensor = (values: BigInt64Array) => new Tensor("int64", values, [rows.length, length]);
  return {
    input_ids: tensor(ids),
    attention_mask: tensor(mask),
    token_type_ids: tensor(new BigInt64Array(ids.length)),
  };
}
