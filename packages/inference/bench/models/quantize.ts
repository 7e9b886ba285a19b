/** Signed 7-bit weights with a scale for each column, as the hub's quantized encoders have them. */
export function quantizeColumns(
  values: Float32Array,
  columns: number,
): { bytes: Int8Array; scales: Float32Array } {
  const scales = new Float32Array(columns);
  values.forEach((value, i) => {
    scales[i % columns] = Math.max(scales[i % columns] ?? 0, Math.abs(value) / 64);
  });
  return {
    bytes: Int8Array.from(values, (value, i) => Math.round(value / (scales[i % columns] || 1))),
    scales,
  };
}

export const blockSize = 32;

/** 4-bit weights in blocks along a row, two in a byte, the lower half first; 8 stands for zero. */
export function quantizeBlocks(values: Float32Array): { bytes: Uint8Array; scales: Float32Array } {
  const blocks = values.length / blockSize;
  const bytes = new Uint8Array(values.length / 2);
  const scales = new Float32Array(blocks);
  for (let block = 0; block < blocks; block++) {
    const start = block * blockSize;
    let extreme = 0;
    for (let i = start; i < start + blockSize; i++) {
      const value = values[i] ?? 0;
      if (Math.abs(value) > Math.abs(extreme)) extreme = value;
    }
    const scale = extreme / -8;
    scales[block] = scale;
    const level = (i: number) => Math.min(15, Math.max(0, Math.round((values[i] ?? 0) / (scale || 1)) + 8));
    for (let i = start; i < start + blockSize; i += 2) bytes[i / 2] = level(i) | (level(i + 1) << 4);
  }
  return { bytes, scales };
}
