import { checkAccess } from "./check-access.ts";
import { createTaskChecks } from "./check-tasks.ts";
import { checkVectors } from "./check-vectors.ts";
import { createWebhookChecks } from "./check-webhooks.ts";
import { type ChaosUser, createUser } from "./client.ts";
import type { TruthDatabase } from "./database.ts";
import { Findings } from "./findings.ts";
import type { History } from "./history.ts";
import { readReports } from "./read-reports.ts";
import type { ChaosStack } from "./stack.ts";
import type { WebhookReceiver } from "./webhook-receiver.ts";

/** With so many pauses a run in which no attempt was taken over has not tried what it was to try. */
const pausesThatTakeOver = 5;

export interface Verdict {
  findings: Findings;
  statuses: Record<string, number>;
  /** How many tasks failed with which problem. */
  problems: Record<string, number>;
  /** Attempts that were given up, and runs that learned so. */
  takeOvers: number;
  lostRuns: number;
  /** Reports of workers that were held against the log. */
  reports: number;
  files: number;
  texts: number;
  /** Events that webhooks told, and their messages: some came more than once. */
  events: number;
  messages: number;
}

/** Holds the clients' history, the rows, the log of transitions and the workers' logs against each other. */
export async function checkInvariants(known: {
  stack: ChaosStack;
  truth: TruthDatabase;
  users: ChaosUser[];
  history: History;
  receiver: WebhookReceiver;
  pauses: number;
}): Promise<Verdict> {
  const { stack, truth, users, history, receiver, pauses } = known;
  const findings = new Findings();
  const userIds = users.map(({ user }) => user.id);
  const reports = await readReports(stack.workerLogs);
  const checks = createTaskChecks({ history, userIds, reports: reports.byTask, findings });
  const webhooks = createWebhookChecks(receiver, userIds, findings);
  for await (const task of truth.tasks(userIds)) {
    checks.see(task);
    webhooks.see(task);
  }
  checks.end();
  webhooks.end(history.asks);
  for (const write of await truth.staleWrites())
    findings.add(
      "I5",
      `attempt ${write.writer_attempt} wrote to ${write.relation} of task ${write.task_id}`,
      write,
    );
  if (pauses >= pausesThatTakeOver && checks.takeOvers === 0)
    findings.add("I5", `not exercised: no attempt was taken over in ${pauses} pauses`);
  for (const text of await truth.leftovers()) findings.add("leftovers", text);
  await checkAccess(users, history.asks, findings);
  const control = await createUser(stack, users.length);
  const vectors = await checkVectors({ truth, control, userIds, history, findings });
  return {
    findings,
    statuses: checks.statuses,
    problems: checks.problems,
    takeOvers: checks.takeOvers,
    lostRuns: reports.lost,
    reports: reports.count,
    ...vectors,
    events: receiver.events.size,
    messages: [...receiver.events.values()].reduce((sum, { came }) => sum + came, 0),
  };
}
