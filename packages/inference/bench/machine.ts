import { readFileSync } from "node:fs";
import { cpus, loadavg, totalmem } from "node:os";

/** Watches the machine from here on. What it tells says whether the figures are worth something. */
export function watchMachine(): () => object {
  const before = cpuTicks();
  const loadBefore = loadavg()[0];
  return () => {
    const after = cpuTicks();
    const share = (name: "steal" | "busy") =>
      before && after ? Number(((after[name] - before[name]) / (after.all - before.all)).toFixed(4)) : null;
    const processors = cpus();
    return {
      cpu: processors[0]?.model ?? "unknown",
      cores: processors.length,
      memory_bytes: totalmem(),
      platform: `${process.platform}-${process.arch}`,
      node: process.version,
      // Of all processor time; null where the system does not tell.
      steal: share("steal"),
      busy: share("busy"),
      load_before: loadBefore,
    };
  };
}

/** Linux's sums of processor time. */
function cpuTicks(): { steal: number; busy: number; all: number } | undefined {
  try {
    const [line = ""] = readFileSync("/proc/stat", "utf8").split("\n");
    const [user = 0, nice = 0, system = 0, idle = 0, wait = 0, irq = 0, soft = 0, steal = 0] = line
      .split(/\s+/)
      .slice(1)
      .map(Number);
    const busy = user + nice + system + irq + soft;
    return { steal, busy, all: busy + idle + wait + steal };
  } catch {
    return undefined;
  }
}
