import { parseArgs } from "node:util";

export const helpText = `Usage: npm run models -- COMMAND [flags]

  list             the models that genq knows, and which of them are here
  info NAME        a model's record, its files, and what it can run on here
  pull NAME        brings a model's files here, checked by their SHA-256; goes on where it was stopped
  warm NAME        loads a model, asks it something, and tells the time and memory that it takes
  tune NAME        measures how an embedding model's bulk work is best spread over processes, threads and runs on this
                   machine, and keeps that beside the model for the workers here

  --from PATH      pull: from a folder in the hub's layout, or one that holds NAME in it, instead of the hub
  --dir PATH       the folder of the models (MODELS_DIR, .cache/models unless set; 'npm start' has .data/models)
  --json           print one line of JSON at the end, and nothing else on standard output;
                   npm's own two lines before it go by 'npm run --silent models -- …'
  --help           print this

The hub, or a mirror of it, is HF_ENDPOINT (https://huggingface.co unless set); MODEL_DEVICE is what models run on. Models that genq does not know need a record in
models.json in the folder of the models: 'info NAME' drafts one.

Ends with 0 when it is done, 1 when it is not, 2 when the command is wrong, 130 when it was stopped.
`;

const commands = ["list", "info", "pull", "warm", "tune"] as const;
type Command = (typeof commands)[number];

export interface Flags {
  readonly command: Command;
  readonly name: string;
  readonly from: string | undefined;
  readonly dir: string | undefined;
  readonly json: boolean;
}

/** The command, "help", or one sentence about what is wrong with it. */
export function parseFlags(args: string[]): Flags | "help" | { trouble: string } {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        from: { type: "string" },
        dir: { type: "string" },
        json: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    const [first, name = "", ...more] = positionals;
    if (values.help || (first === undefined && args.length === 0)) return "help";
    const command = commands.find((known) => known === first);
    if (command === undefined) return { trouble: `Say what to do: ${commands.join(", ")}.` };
    const [extra] = command === "list" ? [name, ...more].filter(Boolean) : more;
    if (extra !== undefined) return { trouble: `There is no place for "${extra}".` };
    if (command !== "list" && name === "") return { trouble: `Say which model: ${command} NAME.` };
    if (command !== "pull" && values.from !== undefined) return { trouble: "--from goes with pull." };
    return { command, name, from: values.from, dir: values.dir, json: values.json };
  } catch (error) {
    const [what = ""] = (error instanceof Error ? error.message : String(error)).split(/\.(?:\s|$)/);
    return { trouble: `${what}.` };
  }
}
