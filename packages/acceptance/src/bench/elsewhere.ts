import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** Benchmarks of parts that no client sees: programs of the packages that they measure. */
const programs: Record<string, string> = {
  guarantee: "packages/core/bench/guarantee/main.ts",
  inference: "packages/inference/bench/main.ts",
};

/** Runs the benchmark that is named first, when it is another package's, and takes its exit code. */
export async function runElsewhere([name = "", ...args]: string[]): Promise<boolean> {
  const program = programs[name];
  if (program === undefined) return false;
  const path = fileURLToPath(new URL(`../../../../${program}`, import.meta.url));
  const [code] = await once(spawn(process.execPath, [path, ...args], { stdio: "inherit" }), "exit");
  process.exitCode = typeof code === "number" ? code : 1;
  return true;
}
