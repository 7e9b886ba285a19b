/**
 * Asks 60 questions of three manuals in Debian packages (base-passwd, liblzma-dev, fontconfig; their documents, unpacked, in FOLDER)
 * through the demo's path: `node packages/acceptance/src/answers/main.ts FOLDER [--url URL]`. An answer is right when
 * it has the words of the one sentence that tells.
 */
import { openAsBlob } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createGenqClient, type GenqClient } from "@genq/sdk";
import { signUp } from "../stack/sign-up.ts";
import { documents } from "./questions.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { url: { type: "string", default: "http://127.0.0.1:8000" } },
});
const [folder] = positionals;
if (folder === undefined) throw new Error("Name the folder of the documents: main.ts FOLDER [--url URL]");

const print = (line: string) => process.stdout.write(`${line}\n`);
const plain = (text: string) => text.replace(/\s+/gu, " ").toLowerCase();

let token = "";
const genq = createGenqClient({ apiUrl: values.url, getAccessToken: () => token });
const { supabase_url: supabase, supabase_publishable_key: key } = await genq.config();
({ token } = await signUp(supabase, key));

let [right, asked] = [0, 0];
for (const [name, questions] of Object.entries(documents)) {
  const fileId = await upload(genq, join(folder, name), name);
  let rightHere = 0;
  for (const [question, words] of questions) {
    const said = await ask(genq, fileId, question);
    if (plain(said).includes(plain(words))) rightHere += 1;
    else print(`  ${question}\n    ${said}`);
  }
  print(`${name}: ${rightHere} of ${questions.length} right`);
  right += rightHere;
  asked += questions.length;
}
print(`${right} of ${asked} right, ${((100 * right) / asked).toFixed(0)} %`);

async function upload(client: GenqClient, path: string, name: string): Promise<string> {
  const { file: uploaded, task } = await client.upload(await openAsBlob(path), { name });
  if (task !== null) await client.tasks.wait(task.id);
  return uploaded.id;
}

async function ask(client: GenqClient, fileId: string, question: string): Promise<string> {
  const submitted = await client.generateAsync({
    text: question,
    file_ids: [fileId],
    max_new_tokens: 200,
    temperature: 0,
  });
  const task = await client.tasks.wait(submitted.id);
  if (task.kind !== "generate" || task.result === null)
    return `no answer: ${task.problem?.detail ?? task.status}`;
  return task.result.generated_text;
}
