import type { QueueName } from "@genq/contract";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

export interface Metrics {
  registry: Registry;
  requestSeconds: Histogram<"method" | "route" | "status">;
  tasksAccepted: Counter<"kind">;
}

/** The process's own metrics, and the depth of the queues as the database sees it when it is asked. */
export function createMetrics(
  readWaiting: () => Promise<Record<QueueName, number>>,
  readQueueMemory: () => { usedBytes: number; maxBytes: number } | null,
): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const requestSeconds = new Histogram({
    name: "genq_http_request_seconds",
    help: "How long requests took",
    labelNames: ["method", "route", "status"] as const,
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
    registers: [registry],
  });
  const tasksAccepted = new Counter({
    name: "genq_tasks_accepted_total",
    help: "Tasks that were written down for a worker",
    labelNames: ["kind"] as const,
    registers: [registry],
  });
  new Gauge({
    name: "genq_queue_waiting",
    help: "Tasks that wait in each queue; 10,000 at most",
    labelNames: ["queue"] as const,
    registers: [registry],
    async collect() {
      this.reset();
      const waiting = await readWaiting().catch(() => ({}));
      for (const [queue, count] of Object.entries(waiting)) this.set({ queue }, count);
    },
  });
  new Gauge({
    name: "genq_queue_memory_ratio",
    help: "How full the memory of the queue's Redis is, where it has a limit; from 1 on it takes no rings",
    registers: [registry],
    collect() {
      const memory = readQueueMemory();
      if (memory !== null) this.set(memory.usedBytes / memory.maxBytes);
    },
  });
  return { registry, requestSeconds, tasksAccepted };
}
