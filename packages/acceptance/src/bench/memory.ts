import { descendants } from "../stack/processes.ts";

/** Resident bytes by the name of the process; processes of one name are summed. */
export type Memory = Map<string, number>;
export type ReadMemory = () => Promise<Memory>;

const names: [part: string, name: string][] = [
  ["standalone/src/postgres/main.ts", "postgres"],
  ["standalone/src/supabase/main.ts", "supabase"],
  ["standalone/src/main.ts", "launcher"],
  ["apps/api/src/main.ts", "api"],
  ["apps/worker/src/main.ts", "worker"],
  ["genq-model genq/mini-embedder", "model, embedding"],
  ["genq-model genq/mini-generator", "model, generation"],
  ["packages/core/src/documents/", "parser"],
];

/** Of everything that `npm start` started. */
export function memoryOfDescendants(pid: number): ReadMemory {
  return () => {
    const memory: Memory = new Map();
    for (const { command, residentBytes } of descendants(pid)) {
      // A shell's command line names the launcher, too.
      const name = command.startsWith("sh ")
        ? undefined
        : names.find(([part]) => command.includes(part))?.[1];
      if (name !== undefined) memory.set(name, (memory.get(name) ?? 0) + residentBytes);
    }
    return Promise.resolve(memory);
  };
}

/** Of processes that tell their memory at `/metrics`, as Prometheus's clients do. */
export function memoryOfMetrics(apiUrl: string, workerUrls: string[]): ReadMemory {
  return async () => {
    const memory: Memory = new Map();
    const sources = [
      ["api", apiUrl] as const,
      ...workerUrls.map((url, index) => [`worker ${index + 1}`, url] as const),
    ];
    for (const [name, url] of sources) {
      const text = await (await fetch(`${url.replace(/\/+$/, "")}/metrics`)).text();
      const found = /^process_resident_memory_bytes(?:\{[^}]*\})? (\S+)$/m.exec(text)?.[1];
      if (found !== undefined) memory.set(name, Number(found));
    }
    return memory;
  };
}

/** Watches until `stop`, which resolves with the largest number seen of each. */
export function watchPeaks(read: ReadMemory, everyMs = 500): { stop(): Promise<Memory> } {
  const peaks: Memory = new Map();
  const look = async () => {
    for (const [name, bytes] of await read()) peaks.set(name, Math.max(bytes, peaks.get(name) ?? 0));
  };
  let looking = Promise.resolve();
  const timer = setInterval(() => {
    looking = look().catch(() => undefined);
  }, everyMs);
  return {
    stop: async () => {
      clearInterval(timer);
      await looking;
      await look();
      return peaks;
    },
  };
}
