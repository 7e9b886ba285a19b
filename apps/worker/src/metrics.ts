import type { JobKind } from "@genq/contract";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

/** How a run ended: as the task's row has it, or given back, taken away, or not reported because nobody listened. */
export type RunOutcome = "completed" | "failed" | "retried" | "given_back" | "lost" | "unreported";

export interface Metrics {
  ran(kind: JobKind, outcome: RunOutcome, ms: number): void;
  /** A piece of a generation's text. */
  published(outcome: "taken" | "dropped"): void;
  rang(tasks: number): void;
  ringIgnored(reason: "malformed" | "unknown_task"): void;
  requeued(tasks: number): void;
  poisoned(tasks: number): void;
  expired(tasks: number): void;
  swept(objects: number): void;
  lag(queue: string, due: number, oldestSeconds: number): void;
  reconciled(): void;
  webhookAttempted(status: "delivered" | "pending" | "dead"): void;
  webhookLag(oldestSeconds: number): void;
  /** Prometheus' text format. */
  text(): Promise<string>;
  readonly contentType: string;
}

export function createMetrics(options: {
  running: () => number;
  /** Of the queue's server. */
  queueMemory?: () => { usedBytes: number; maxBytes: number } | null;
}): Metrics {
  const register = new Registry();
  const registers = [register];
  collectDefaultMetrics({ register });
  const runs = new Counter({
    name: "genq_task_runs_total",
    help: "Runs of tasks, by how they ended",
    labelNames: ["kind", "outcome"],
    registers,
  });
  const seconds = new Histogram({
    name: "genq_task_run_seconds",
    help: "Seconds from the claim of a task to the report of its run",
    labelNames: ["kind", "outcome"],
    buckets: [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000, 3600],
    registers,
  });
  new Gauge({
    name: "genq_tasks_running",
    help: "Claims that this worker holds",
    registers,
    collect() {
      this.set(options.running());
    },
  });
  new Gauge({
    name: "genq_queue_memory_ratio",
    help: "How full the memory of the queue's Redis is, where it has a limit; from 1 on it takes no rings",
    registers,
    collect() {
      const memory = options.queueMemory?.() ?? null;
      if (memory !== null) this.set(memory.usedBytes / memory.maxBytes);
    },
  });
  const deltas = new Counter({
    name: "genq_task_deltas_total",
    help: "Pieces of text of running generations: taken by the queue's server, or dropped because it was away",
    labelNames: ["outcome"],
    registers,
  });
  const rung = new Counter({
    name: "genq_reconciler_rings_total",
    help: "Tasks that were silent and were rung for again",
    registers,
  });
  const ignored = new Counter({
    name: "genq_rings_ignored_total",
    help: "Rings that named no task of their queue: malformed, forged, or of a task that was deleted",
    labelNames: ["reason"],
    registers,
  });
  const requeued = new Counter({
    name: "genq_reconciler_requeued_total",
    help: "Tasks taken back from workers whose lease ran out",
    registers,
  });
  const poisoned = new Counter({
    name: "genq_reconciler_poisoned_total",
    help: "Tasks quarantined because too many attempts ended without a report",
    registers,
  });
  const expired = new Counter({
    name: "genq_reconciler_expired_total",
    help: "Tasks that waited longer than their deadline",
    registers,
  });
  const swept = new Counter({
    name: "genq_swept_objects_total",
    help: "Objects deleted from storage",
    registers,
  });
  const due = new Gauge({
    name: "genq_queue_due_tasks",
    help: "Tasks that could run now and wait, by queue; 10,000 at most",
    labelNames: ["queue"],
    registers,
  });
  const oldest = new Gauge({
    name: "genq_queue_lag_seconds",
    help: "How long the oldest of the next 1,000 waiting tasks could have run, by queue",
    labelNames: ["queue"],
    registers,
  });
  const reconciledAt = new Gauge({
    name: "genq_reconciled_timestamp_seconds",
    help: "When this worker's reconciler last finished a round of rings",
    registers,
  });
  const webhookAttempts = new Counter({
    name: "genq_webhook_attempts_total",
    help: "Attempts to deliver a webhook: delivered, failed and tried again later (pending), or failed for good (dead)",
    labelNames: ["status"],
    registers,
  });
  const webhookLag = new Gauge({
    name: "genq_webhook_lag_seconds",
    help: "How long the oldest webhook that is due could have been sent",
    registers,
  });
  return {
    webhookAttempted: (status) => webhookAttempts.inc({ status }),
    webhookLag: (seconds) => webhookLag.set(seconds),
    ran: (kind, outcome, ms) => {
      runs.inc({ kind, outcome });
      seconds.observe({ kind, outcome }, ms / 1000);
    },
    published: (outcome) => deltas.inc({ outcome }),
    rang: (tasks) => rung.inc(tasks),
    ringIgnored: (reason) => ignored.inc({ reason }),
    requeued: (tasks) => requeued.inc(tasks),
    poisoned: (tasks) => poisoned.inc(tasks),
    expired: (tasks) => expired.inc(tasks),
    swept: (objects) => swept.inc(objects),
    lag: (queue, tasks, oldestSeconds) => {
      due.set({ queue }, tasks);
      oldest.set({ queue }, oldestSeconds);
    },
    reconciled: () => reconciledAt.setToCurrentTime(),
    text: () => register.metrics(),
    contentType: register.contentType,
  };
}
