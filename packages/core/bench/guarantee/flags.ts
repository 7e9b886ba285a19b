import { parseArgs } from "node:util";

const helpText = `Usage: bash .ci/servers --queue redis npm run bench -- guarantee [flags]

What the guarantee costs: tasks that are written down, claimed and completed, beside jobs that BullMQ alone adds and
processes, on the same servers in the same run, in turns. One process adds and another works, on either side. Neither
does anything in a task.

  --tasks N       tasks of a round (4000)
  --rounds N      rounds of each side; the median counts (5)
  --users N       users whose tasks they are, in turns (100)
  --in-flight N   tasks that are added at a time (50)
  --workers N     worker processes of each side (1)
  --json          one line of JSON at the end
  --help          print this
`;

export interface Flags {
  tasks: number;
  rounds: number;
  users: number;
  inFlight: number;
  workers: number;
  json: boolean;
}

/** The flags; ends the process when it is asked for help, or with 2 when they make no sense. */
export function readFlags(): Flags {
  const number = (value: string): number => {
    const parsed = Number(value);
    if (!Number.isInteger(parsed) || parsed < 1) throw new Error("The flags want whole numbers from 1.");
    return parsed;
  };
  try {
    const { values } = parseArgs({
      options: {
        tasks: { type: "string", default: "4000" },
        rounds: { type: "string", default: "5" },
        users: { type: "string", default: "100" },
        "in-flight": { type: "string", default: "50" },
        workers: { type: "string", default: "1" },
        json: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    if (values.help) {
      process.stdout.write(helpText);
      process.exit(0);
    }
    return {
      tasks: number(values.tasks),
      rounds: number(values.rounds),
      users: number(values.users),
      inFlight: number(values["in-flight"]),
      workers: number(values.workers),
      json: values.json,
    };
  } catch (error) {
    process.stderr.write(
      `${error instanceof Error ? error.message : String(error)} --help shows the flags.\n`,
    );
    process.exit(2);
  }
}
