import { access, constants, stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { createGenqClient, GenqError } from "@genq/sdk";
import { signUp } from "../stack/sign-up.ts";
import { type Flags, helpText, parseFlags } from "./flags.ts";
import { play, type Scene } from "./play.ts";
import { bold, dim, say, sayStep } from "./screen.ts";

/** Something that the user can put right: told in one sentence, without a stack. */
class Trouble extends Error {}

const sample = (name: string) => fileURLToPath(new URL(`./samples/${name}`, import.meta.url));
const samples: Scene[] = [
  { path: sample("handbook.pdf"), question: "How do I reset the logger?" },
  { path: sample("kaisetsu.txt"), question: "窯焚きは何日続きますか。" },
];

async function main(flags: Flags): Promise<void> {
  const scenes = flags.file === undefined ? samples : [await sceneOf(flags.file, flags.question)];
  let token = "";
  const genq = createGenqClient({ apiUrl: flags.apiUrl, getAccessToken: () => token, maxRetries: 0 });
  const { edition, models, config } = await look(genq, flags.apiUrl);
  say(`${bold("genq")} at ${flags.apiUrl} ${dim(`(${edition}; ${models})`)}`);
  const begun = performance.now();
  const user = await signUp(config.supabase_url, config.supabase_publishable_key);
  token = user.token;
  sayStep("sign up", user.email, performance.now() - begun);
  for (const scene of scenes) await play(genq, scene);
  say();
}

async function sceneOf(path: string, question = "What is this document about?"): Promise<Scene> {
  try {
    await access(path, constants.R_OK);
  } catch (cause) {
    throw new Trouble(`${path} can't be read: give the path of a document.`, { cause });
  }
  if (!(await stat(path)).isFile()) throw new Trouble(`${path} is not a file: give the path of a document.`);
  return { path, question };
}

/** What runs there. */
async function look(genq: ReturnType<typeof createGenqClient>, apiUrl: string) {
  try {
    const [{ edition, models }, config] = await Promise.all([genq.health(), genq.config()]);
    const names = models.map(({ id, state }) => (state === "ready" ? id : `${id}, ${state}`));
    return { edition, models: names.join(", ") || "no model yet", config };
  } catch (error) {
    if (!(error instanceof GenqError)) throw error;
    throw new Trouble(
      error.code === "connection_failed"
        ? `genq isn't running at ${apiUrl}: start it with \`npm start\`, or say where it is with --url.`
        : `What answers at ${apiUrl} is not a genq that this demo can use (${error.message})`,
      { cause: error },
    );
  }
}

const flags = parseFlags(process.argv.slice(2));
if ("trouble" in flags) {
  process.stderr.write(`${flags.trouble}\n`);
  process.exit(2);
}
if (flags.help) {
  process.stdout.write(helpText);
  process.exit(0);
}
try {
  await main(flags);
} catch (error) {
  const known = error instanceof Trouble || error instanceof GenqError;
  const message = error instanceof Error ? error.message : String(error);
  say();
  process.stderr.write(known ? `${message}\n` : `The demo failed: ${message}\n`);
  process.exitCode = error instanceof Trouble ? 2 : 1;
}
