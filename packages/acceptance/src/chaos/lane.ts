import type { GenqClient } from "@genq/sdk";
import type { ChaosUser } from "./client.ts";
import type { History } from "./history.ts";
import type { Random } from "./random.ts";

/** One of those who ask on a user's behalf, one request after the other. */
export interface Lane {
  user: ChaosUser;
  history: History;
  random: Random;
  signal: AbortSignal;
}

export function anyClient({ user, random }: Pick<Lane, "user" | "random">): GenqClient {
  const client = random.pick(user.clients);
  if (client === undefined) throw new Error("A stack has at least one api.");
  return client;
}
