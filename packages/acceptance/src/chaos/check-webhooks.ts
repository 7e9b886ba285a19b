import { terminalSteps } from "./check-steps.ts";
import type { TaskRecord } from "./database.ts";
import type { Findings } from "./findings.ts";
import type { Ask } from "./history.ts";
import type { ReceivedEvent, WebhookReceiver } from "./webhook-receiver.ts";

/**
 * I6: each end of a task was told to its owner's endpoint at least once, under one id. And I4: nobody's endpoint was
 * told of another's task.
 */
export function createWebhookChecks(
  receiver: Pick<WebhookReceiver, "events" | "strangers">,
  userIds: string[],
  findings: Findings,
): {
  see(task: TaskRecord): void;
  /** Once all tasks were seen: events of tasks that were deleted, and of none. */
  end(asks: Ask[]): void;
} {
  const seen = new Set<string>();
  const byTask = Map.groupBy(receiver.events.values(), ({ taskId }) => taskId);
  return {
    see: (task) => {
      const add = (text: string) => findings.add("I6", `${task.kind} ${task.id}: ${text}`, { task, events });
      const events = byTask.get(task.id) ?? [];
      byTask.delete(task.id);
      seen.add(task.id);
      for (const event of events) checkEvent(event, add);
      const foreign = events.find(({ user }) => userIds[user] !== task.user_id);
      if (foreign !== undefined)
        findings.add("I4", `user ${foreign.user} was told of another's task ${task.id}`);
      const ends = terminalSteps(task.steps);
      for (const status of new Set(ends)) {
        const expected = ends.filter((one) => one === status).length;
        const heard = events.filter(
          ({ type, heard: times }) => type === `task.${status}` && times > 0,
        ).length;
        const told = events.filter(({ type }) => type === `task.${status}`).length;
        if (heard < expected) add(`${heard} events of ${expected} times ${status} were delivered`);
        if (told > expected) add(`${told} ids for ${expected} times ${status}`);
      }
      const never = events.find(({ type }) => !ends.includes(type.replace("task.", "")));
      if (never !== undefined) add(`${never.type} was told and never happened`);
    },
    end: (asks) => {
      for (const ask of asks) {
        const [id = ""] = ask.taskIds;
        // Of a deleted task nothing but its events is left.
        const events = byTask.get(id) ?? [];
        const add = (text: string) => findings.add("I6", `${ask.kind} ${id}: ${text}`, { ask, events });
        byTask.delete(id);
        for (const event of events) checkEvent(event, add);
        const foreign = events.find(({ user }) => user !== ask.user);
        if (foreign !== undefined)
          findings.add("I4", `user ${foreign.user} was told of another's task ${id}`);
        if (ask.deletion === undefined || seen.has(id)) continue;
        if (events.length !== 1) add(`${events.length} ids for the end of a task that was deleted after it`);
        if (!events.some(({ heard }) => heard > 0))
          add("its end was never told, and it was deleted after it");
      }
      for (const [id] of byTask) findings.add("I6", `an event of task ${id}, which nobody asked for`);
      for (const text of receiver.strangers) findings.add("I6", `a message that is no event, ${text}`);
    },
  };
}

function checkEvent({ id, trouble }: ReceivedEvent, add: (text: string) => void): void {
  if (trouble !== undefined) add(`event ${id}: ${trouble}`);
}
