import type { Device } from "./types.ts";

/** What finds the drivers and libraries of a GPU. */
const gpuVariables = [
  "PATH",
  "LD_LIBRARY_PATH",
  "CUDA_PATH",
  "CUDA_VISIBLE_DEVICES",
  "VK_DRIVER_FILES",
  "VK_ICD_FILENAMES",
  "XDG_DATA_DIRS",
] as const;

/** The environment of a model's process: it gets no secrets, and on a CPU nothing at all. */
export function modelProcessEnv(device: Device): Record<string, string> {
  if (device === "cpu") return {};
  return Object.fromEntries(
    gpuVariables.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
