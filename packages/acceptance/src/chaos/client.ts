import { randomUUID } from "node:crypto";
import { createGenqClient, type GenqClient, GenqError } from "@genq/sdk";
import { signUp, type User } from "../stack/sign-up.ts";
import type { Ask, Outcome } from "./history.ts";
import type { ChaosStack } from "./stack.ts";

/** A user with one client for each api process: what one of them accepted, the others must know. */
export interface ChaosUser {
  index: number;
  user: User;
  clients: GenqClient[];
}

export async function createUser(stack: ChaosStack, index: number): Promise<ChaosUser> {
  const user = await signUp(stack.supabaseUrl, stack.publishableKey);
  const getAccessToken = async () => {
    const { data } = await user.supabase.auth.getSession();
    return data.session?.access_token ?? user.token;
  };
  // The SDK's own repetition is off: the history shall hold each answer.
  const clients = stack.apiUrls.map((apiUrl) =>
    createGenqClient({ apiUrl, getAccessToken, maxRetries: 0, timeoutMs: 15_000 }),
  );
  return { index, user, clients };
}

export function newAsk(
  user: number,
  kind: Ask["kind"],
  about: string,
): Pick<Ask, "user" | "kind" | "key" | "marker" | "text"> {
  const marker = `owner${user}x${randomUUID().replaceAll("-", "")}`;
  return { user, kind, key: randomUUID(), marker, text: `${marker} ${about}` };
}

/** Sends a request once and notes how it ended. */
export async function send(client: GenqClient, ask: Ask, signal?: AbortSignal): Promise<Outcome> {
  let outcome: Outcome;
  try {
    const { taskId, fileId } = await submit(client, ask, signal);
    if (taskId !== undefined) ask.taskIds.add(taskId);
    if (fileId !== undefined) ask.fileIds.add(fileId);
    outcome = "accepted";
  } catch (error) {
    outcome = isRefusal(error) ? "refused" : "unknown";
    if (outcome === "refused") ask.refusal = String(error);
    else ask.trouble = String(error);
  }
  ask.outcomes.push(outcome);
  return outcome;
}

async function submit(
  client: GenqClient,
  ask: Ask,
  signal: AbortSignal | undefined,
): Promise<{ taskId: string | undefined; fileId?: string }> {
  const options = { idempotencyKey: ask.key, ...(signal === undefined ? {} : { signal }) };
  switch (ask.kind) {
    case "embed":
      return { taskId: (await client.embedAsync({ texts: [ask.text] }, options)).id };
    case "generate": {
      const request = { text: ask.text, max_new_tokens: 8, search: true, temperature: 0 };
      return { taskId: (await client.generateAsync(request, options)).id };
    }
    case "upload": {
      const name = `${ask.marker}.txt`;
      const { file, task } = await client.upload(new Blob([ask.text]), { ...options, name });
      return { taskId: task?.id ?? file.task_id ?? undefined, fileId: file.id };
    }
  }
}

/** A definite no. What a server in trouble answers says nothing about what it did. */
function isRefusal(error: unknown): boolean {
  if (!(error instanceof GenqError)) return false;
  if (error.code === "idempotency_in_progress") return false;
  return error.status !== undefined && error.status >= 400 && error.status < 500 && error.status !== 408;
}
