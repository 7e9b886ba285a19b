import { randomUUID } from "node:crypto";
import { createGenqClient, type GenqClient, GenqError } from "@genq/sdk";
import { signUp, type User } from "../stack/sign-up.ts";
import { type Ask, type AskKind, note, type Outcome, type Request } from "./history.ts";
import type { ChaosStack } from "./stack.ts";
import { textOf } from "./texts.ts";

/** A user with one client for each api process: what one of them accepted, the others must know. */
export interface ChaosUser {
  index: number;
  user: User;
  clients: GenqClient[];
}

const answerMs = 15_000;

export async function createUser(stack: ChaosStack, index: number): Promise<ChaosUser> {
  const user = await signUp(stack.supabaseUrl, stack.publishableKey);
  const getAccessToken = async () => {
    const { data } = await user.supabase.auth.getSession();
    return data.session?.access_token ?? user.token;
  };
  // The SDK's own repetition is off: the history shall hold each answer.
  const clients = stack.apiUrls.map((apiUrl) =>
    createGenqClient({ apiUrl, getAccessToken, maxRetries: 0, timeoutMs: answerMs }),
  );
  return { index, user, clients };
}

export function newRequest(user: number, kind: AskKind, text: number): Request {
  const marker = `owner${user}x${randomUUID().replaceAll("-", "")}`;
  return { user, kind, key: randomUUID(), marker, text };
}

/** Sends a request once and notes how it ended. */
export async function send(client: GenqClient, ask: Ask, signal?: AbortSignal): Promise<Outcome> {
  let outcome: Outcome;
  try {
    const { taskId, fileId } = await submit(client, ask, signal);
    note(ask.taskIds, taskId);
    note(ask.fileIds, fileId);
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
  const text = textOf(ask);
  switch (ask.kind) {
    case "embed":
      return { taskId: (await client.embedAsync({ texts: [text] }, options)).id };
    case "generate": {
      const request = { text, max_new_tokens: 16, search: true, temperature: 0 };
      return { taskId: (await client.generateAsync(request, options)).id };
    }
    case "upload":
    case "unreadable": {
      const name = nameOf(ask);
      // An upload has no bound of its own, and a half-open connection would hold it for ever.
      const bound = AbortSignal.any(
        [AbortSignal.timeout(answerMs), options.signal].filter((one) => one !== undefined),
      );
      const upload = { ...options, signal: bound, name, chatId: ask.marker };
      const { file, task } = await client.upload(new Blob([text]), upload);
      return { taskId: task?.id ?? file.task_id ?? undefined, fileId: file.id };
    }
  }
}

/** The name of an upload's file: from it its request is found again. */
function nameOf({ kind, marker }: Pick<Request, "kind" | "marker">): string {
  return `${marker}.${kind === "unreadable" ? "html" : "txt"}`;
}

/** A definite no. What a server in trouble answers says nothing about what it did. */
export function isRefusal(error: unknown): boolean {
  if (!(error instanceof GenqError)) return false;
  if (error.code === "idempotency_in_progress") return false;
  return error.status !== undefined && error.status >= 400 && error.status < 500 && error.status !== 408;
}

export function isNotFound(error: unknown): boolean {
  return error instanceof GenqError && error.code === "not_found";
}
