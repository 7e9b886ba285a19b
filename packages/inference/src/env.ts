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

/** Large pages for large memory, where glibc and Linux have them: a token reads all weights, each page of them anew. */
const memory = { GLIBC_TUNABLES: "glibc.malloc.hugetlb=1" };

/** The environment of a model's process: it gets no secrets, and on a CPU nothing of this process's. */
export function modelProcessEnv(device: Device): Record<string, string> {
  if (device === "cpu") return memory;
  const found = gpuVariables.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value]];
  });
  return { ...memory, ...Object.fromEntries(found) };
}
