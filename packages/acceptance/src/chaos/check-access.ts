import { GenqError } from "@genq/sdk";
import { markersIn, ownerOf } from "./check-history.ts";
import type { ChaosUser } from "./client.ts";
import type { Ask } from "./history.ts";

const foreignTasksTried = 20;

/** I4, through the api: what a user lists and finds is their own, and another's task is not there. */
export async function findLeaks(users: ChaosUser[], asks: Ask[]): Promise<string[]> {
  const leaks = await Promise.all(users.map((user) => findLeaksTo(user, asks)));
  return leaks.flat();
}

async function findLeaksTo({ index, clients }: ChaosUser, asks: Ask[]): Promise<string[]> {
  const [client] = clients;
  if (client === undefined) return [];
  const leaks: string[] = [];
  const check = (what: string, seen: unknown) => {
    const foreign = markersIn(JSON.stringify(seen)).find((marker) => ownerOf(marker) !== index);
    if (foreign !== undefined) leaks.push(`user ${index} sees ${foreign} in ${what}`);
  };
  const listed = new Set<string>();
  for await (const task of client.tasks.list({ pageSize: 100 })) {
    listed.add(task.id);
    check(`task ${task.id}`, task);
  }
  for await (const file of client.files.list({ pageSize: 100 })) check(`file ${file.id}`, file);
  check("a search", await client.search({ query: "owner", k: 100 }));

  const foreign = asks.filter(({ user }) => user !== index).flatMap(({ taskIds }) => [...taskIds]);
  for (const id of foreign) if (listed.has(id)) leaks.push(`user ${index} lists another's task ${id}`);
  for (const id of foreign.slice(0, foreignTasksTried)) {
    const answer = await client.tasks.get(id).catch((error: unknown) => error);
    const hidden = answer instanceof GenqError && answer.code === "not_found";
    if (!hidden)
      leaks.push(`user ${index} asked for another's task ${id} and was not told that there is none`);
  }
  return leaks;
}
