import type { QueueOptions } from "./connection.ts";
import type { QueueReport } from "./queue-report.ts";
import { openQueues, type Queues } from "./queues.ts";

const everyMs = 10_000;

/**
 * What makes the queue's server unfit, in sentences, so that a process can refuse to start; none while it is away, for
 * the queue may come later.
 */
export async function findQueueProblems(options: Omit<QueueOptions, "onError">): Promise<string[]> {
  const queues = openQueues(options);
  try {
    return (await queues.inspect())?.problems ?? [];
  } finally {
    await queues.close();
  }
}

/** Looks after the queue's server while it is used. */
export interface QueueMonitor {
  /** The last report; undefined while it was never reached. */
  report(): QueueReport | undefined;
  stop(): void;
}

/** Inspects the queue's server again and again; `onChange` is told when something else is wrong than before. */
export function startQueueMonitor(
  queues: Pick<Queues, "inspect">,
  onChange: (report: QueueReport) => void,
): QueueMonitor {
  let report: QueueReport | undefined;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const told = (of: QueueReport | undefined) =>
    JSON.stringify([of?.problems, of?.warnings.map(withoutNumbers)]);
  const look = async () => {
    const next = await queues.inspect();
    if (stopped) return;
    const before = told(report);
    report = next ?? report;
    if (report !== undefined && told(report) !== before) onChange(report);
    timer = setTimeout(look, everyMs);
  };
  void look();
  return {
    report: () => report,
    stop: () => {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

/** A percentage that moves is no news. */
function withoutNumbers(text: string): string {
  return text.replace(/\d+/g, "");
}
