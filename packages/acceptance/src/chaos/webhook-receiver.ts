import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { at, call, textAt } from "../testing/call.ts";
import type { ChaosUser } from "./client.ts";
import { isSigned, type WebhookHeaders } from "./webhook-signature.ts";

/** One event as its receiver knows it. */
export interface ReceivedEvent {
  /** The `webhook-id`. */
  id: string;
  user: number;
  taskId: string;
  type: string;
  finishedAt: string;
  /** How often it came, and how often it was answered with 204. */
  came: number;
  heard: number;
  /** What was wrong with one of its messages. */
  trouble?: string;
}

export interface WebhookReceiver extends AsyncDisposable {
  readonly events: ReadonlyMap<string, ReceivedEvent>;
  /** What came that can't be an event of genq's. */
  readonly strangers: string[];
  /** Makes a user's endpoint; what comes to it has to be that user's. */
  subscribe(user: ChaosUser, apiUrl: string): Promise<void>;
}

const slowMs = 3000;

/** Listens at an address of this machine for what all users' endpoints are sent, and fails at some first messages. */
export async function startReceiver(host: string): Promise<WebhookReceiver> {
  const events = new Map<string, ReceivedEvent>();
  const strangers: string[] = [];
  const secrets = new Map<number, string>();
  const server = createServer((request, response) => {
    receive(request, response, { events, strangers, secrets }).catch(() => request.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  // An address of a server that listens on a port.
  const { port } = server.address() as AddressInfo;
  return {
    events,
    strangers,
    subscribe: async ({ index, user }, apiUrl) => {
      const json = { url: `http://${host}:${port}/users/${index}` };
      const answer = await call(`${apiUrl}/webhooks`, "POST", { token: user.token, json });
      secrets.set(index, textAt(answer.json, "secret"));
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface Known {
  events: Map<string, ReceivedEvent>;
  strangers: string[];
  secrets: Map<number, string>;
}

async function receive(request: IncomingMessage, response: ServerResponse, known: Known): Promise<void> {
  const body = (await buffer(request)).toString();
  const user = Number(/^\/users\/(\d+)$/.exec(request.url ?? "")?.[1]);
  const header = (name: string) => String(request.headers[name] ?? "");
  const headers = {
    id: header("webhook-id"),
    timestamp: header("webhook-timestamp"),
    signature: header("webhook-signature"),
  };
  const event = note({ user, body, headers }, known);
  if (event === undefined) return void response.writeHead(400).end();
  switch (event.came === 1 ? misfortuneOf(event.id) : "none") {
    case "refused":
      return void response.writeHead(500).end("not now");
    case "reset":
      return void request.socket.destroy();
    case "slow":
      await sleep(slowMs, undefined, { ref: false });
  }
  // Heard only if the sender is still there to hear so.
  if (response.destroyed) return;
  event.heard++;
  response.writeHead(204).end();
}

/** Some events fail at their first message: which ones, their ids decide. */
function misfortuneOf(id: string): "none" | "refused" | "reset" | "slow" {
  const draw = createHash("md5").update(id).digest().readUInt8(0) / 256;
  if (draw < 0.05) return "refused";
  if (draw < 0.08) return "reset";
  return draw < 0.1 ? "slow" : "none";
}

/** What is to be known of a message, at once: a message may be the last one of its event. */
export function note(
  message: { user: number; body: string; headers: WebhookHeaders },
  { events, strangers, secrets }: Known,
): ReceivedEvent | undefined {
  const { user, body, headers } = message;
  const secret = secrets.get(user);
  const json = parseJson(body);
  const data = {
    taskId: at(json, "data", "id"),
    type: at(json, "type"),
    finishedAt: at(json, "data", "finished_at"),
  };
  const { taskId, type, finishedAt } = data;
  if (
    typeof taskId !== "string" ||
    typeof type !== "string" ||
    typeof finishedAt !== "string" ||
    headers.id === ""
  ) {
    strangers.push(`to user ${user}: ${body.slice(0, 200)}`);
    return undefined;
  }
  const event = events.get(headers.id) ?? {
    id: headers.id,
    user,
    taskId,
    type,
    finishedAt,
    came: 0,
    heard: 0,
  };
  events.set(headers.id, event);
  event.came++;
  const signed = secret !== undefined && isSigned(secret, headers, body);
  const same =
    event.user === user && event.taskId === taskId && event.type === type && event.finishedAt === finishedAt;
  if (!signed) event.trouble = "its signature is not valid";
  if (!same) event.trouble = `its id came to user ${user} with ${type} of task ${taskId}`;
  return event;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
