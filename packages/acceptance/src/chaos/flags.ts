import { parseArgs } from "node:util";
import { type FaultName, faultNames, faultTexts } from "./faults/names.ts";

export const helpText = `Usage: npm run chaos -- [flags]

Starts genq, offers load through the SDK, breaks its parts at random points, waits until all is quiet, and checks that no
accepted task was lost and nothing was done twice.

  --kills N              processes that are killed; a fifth as many pauses, and of each other fault a twentieth (20)
  --seed S               a number: which faults, when, and what is asked (random)
  --faults a,b,…         some of those below (all)
  --rate N               requests a second at most (40)
  --tasks N              tasks that have to be accepted at least; the faults are spread over them (0)
  --edition server       two apis and four workers on the servers of TEST_DATABASE_URL and TEST_QUEUE_URL (default); a
                         Redis there loses ALL its keys:  bash .ci/servers --queue redis npm run chaos
  --edition standalone   \`npm start\` in a temporary folder
  --json                 one line of JSON at the end
  --help                 print this

Faults:
${faultNames.map((name) => `  ${name.padEnd(14)}${faultTexts[name]}`).join("\n")}
`;

export interface Flags {
  kills: number;
  seed: number;
  faults: FaultName[];
  edition: "server" | "standalone";
  /** Requests a second, at most. */
  rate: number;
  /** Accepted tasks, at least. */
  tasks: number;
  json: boolean;
  help: boolean;
}

/** The flags, or one sentence about what is wrong with them. */
export function parseFlags(args: string[]): Flags | { trouble: string } {
  try {
    const { values } = parseArgs({
      args,
      options: {
        kills: { type: "string", default: "20" },
        seed: { type: "string", default: String(Math.floor(Math.random() * 1e9)) },
        faults: { type: "string", default: faultNames.join() },
        rate: { type: "string", default: "40" },
        tasks: { type: "string", default: "0" },
        edition: { type: "string", default: "server" },
        json: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    const { edition, json, help } = values;
    const kills = Number(values.kills);
    const seed = Number(values.seed);
    const rate = Number(values.rate);
    const tasks = Number(values.tasks);
    const asked = values.faults.split(",").filter((name) => name !== "");
    const faults = faultNames.filter((name) => asked.includes(name));
    if (!Number.isSafeInteger(kills) || kills < 0) return { trouble: "--kills wants a whole number from 0." };
    if (!Number.isSafeInteger(seed) || seed < 0) return { trouble: "--seed wants a whole number from 0." };
    if (!(rate > 0 && rate <= 1000)) return { trouble: "--rate wants a number of requests a second." };
    if (!Number.isSafeInteger(tasks) || tasks < 0) return { trouble: "--tasks wants a whole number from 0." };
    if (faults.length !== asked.length) return { trouble: `--faults wants some of ${faultNames.join()}.` };
    if (edition !== "server" && edition !== "standalone")
      return { trouble: "--edition wants server or standalone." };
    return { kills, seed, faults, edition, rate, tasks, json, help };
  } catch (error) {
    return { trouble: error instanceof Error ? (error.message.split(". ")[0] ?? "") : String(error) };
  }
}
