import { type Answer, at, call, textAt } from "./call.ts";

/** Where requests go, and whose they are. */
export interface Caller {
  apiUrl: string;
  token: string;
}

/** Uploads as a browser's form does. */
export function upload(
  { apiUrl, token }: Caller,
  content: Blob,
  name: string,
  fields: Record<string, string> = {},
): Promise<Answer> {
  const body = new FormData();
  for (const [field, value] of Object.entries(fields)) body.set(field, value);
  body.set("file", content, name);
  return call(`${apiUrl}/upload`, "POST", { token, body });
}

/** Polls a task until it has ended. @throws Error when that takes longer than `boundMs` */
export async function pollTask({ apiUrl, token }: Caller, id: string, boundMs = 90_000): Promise<unknown> {
  const deadline = performance.now() + boundMs;
  for (;;) {
    const { json, status, text } = await call(`${apiUrl}/task/${id}?wait=5`, "GET", { token });
    if (status !== 200) throw new Error(`GET /task/${id} answered ${status}: ${text}`);
    if (!["queued", "processing"].includes(textAt(json, "status"))) return json;
    if (performance.now() > deadline) throw new Error(`The task did not end within ${boundMs} ms: ${text}`);
  }
}

/** Uploads a file and waits until it can be searched. Returns its id. */
export async function uploadReady(caller: Caller, content: Blob, name: string): Promise<string> {
  const uploaded = await upload(caller, content, name);
  if (uploaded.status !== 202) throw new Error(`POST /upload answered ${uploaded.status}: ${uploaded.text}`);
  const task = await pollTask(caller, textAt(uploaded.json, "task", "id"));
  if (at(task, "status") !== "completed")
    throw new Error(`The ingestion did not complete: ${JSON.stringify(task)}`);
  return textAt(uploaded.json, "file", "id");
}
