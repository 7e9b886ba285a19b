import { type ChaosUser, isNotFound } from "./client.ts";
import type { Findings } from "./findings.ts";
import { type Ask, markersIn, ownerOf } from "./history.ts";

const tried = 20;

/**
 * I4 through the api: what a user lists and finds is their own, and another's task is not there. And what was deleted
 * is not there for its owner either.
 */
export async function checkAccess(users: ChaosUser[], asks: Ask[], findings: Findings): Promise<void> {
  const userOfTask = new Map(asks.flatMap(({ user, taskIds }) => taskIds.map((id) => [id, user] as const)));
  await Promise.all(users.map((user) => checkUser(user, { asks, userOfTask, findings })));
}

async function checkUser(
  { index, clients }: ChaosUser,
  { asks, userOfTask, findings }: { asks: Ask[]; userOfTask: Map<string, number>; findings: Findings },
): Promise<void> {
  const [client] = clients;
  if (client === undefined) return;
  const check = (what: string, seen: unknown) => {
    const foreign = markersIn(JSON.stringify(seen)).find((marker) => ownerOf(marker) !== index);
    if (foreign !== undefined) findings.add("I4", `user ${index} sees ${foreign} in ${what}`);
  };
  for await (const task of client.tasks.list({ pageSize: 100 })) {
    check(`task ${task.id}`, task);
    const owner = userOfTask.get(task.id);
    if (owner !== undefined && owner !== index)
      findings.add("I4", `user ${index} lists task ${task.id} of user ${owner}`);
  }
  for await (const file of client.files.list({ pageSize: 100 })) check(`file ${file.id}`, file);
  check("a search", await client.search({ query: "owner", k: 100 }));

  const isHidden = (request: Promise<unknown>) => request.then(() => false, isNotFound);
  const foreign = asks.filter(
    (ask) => ask.user !== index && ask.taskIds.length > 0 && ask.deletion === undefined,
  );
  for (const { taskIds } of foreign.slice(-tried)) {
    const [id = ""] = taskIds;
    if (!(await isHidden(client.tasks.get(id))))
      findings.add("I4", `user ${index} asked for another's task ${id} and was not told that there is none`);
  }
  for (const ask of asks.filter((one) => one.user === index && one.deletion === "done").slice(-tried)) {
    const [taskId = ""] = ask.taskIds;
    const [fileId] = ask.fileIds;
    if (!(await isHidden(fileId === undefined ? client.tasks.get(taskId) : client.files.get(fileId))))
      findings.add("I2", `${ask.kind} ${fileId ?? taskId} was deleted and is there`, { ask });
  }
}
