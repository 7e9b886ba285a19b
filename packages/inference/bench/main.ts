import { parseArgs } from "node:util";
import { benchEmbedding, benchInteractive, benchOverhead } from "./embedding.ts";
import type { Figure } from "./figures.ts";
import { benchGeneration, llamaHelp } from "./generation.ts";
import { benchKernels } from "./kernels.ts";
import { watchMachine } from "./machine.ts";
import { benchMemory } from "./memory.ts";

const parts = {
  embedding: benchEmbedding,
  overhead: benchOverhead,
  interactive: benchInteractive,
  generation: benchGeneration,
  kernels: benchKernels,
  memory: benchMemory,
};

const helpText = `Usage: npm run bench -- inference [flags] [${Object.keys(parts).join("|")}]...

Measures this package with models of random weights in the shapes of bge-small and SmolLM2-135M, each figure beside its
baseline in the same run, in turns. The models are made at the first run, in .cache/bench-models (0.4 GB).

  --rounds N    turns of each side; the median counts (5)
  --queries N   short queries in a turn (2000)
  --requests N  mixed requests over which memory is watched (10000)
  --json        one line of JSON at the end
  --help        print this

To compare generation with node-llama-cpp too, install it first (85 MB):
  ${llamaHelp}
`;

const begun = performance.now();
try {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rounds: { type: "string", default: "5" },
      queries: { type: "string", default: "2000" },
      requests: { type: "string", default: "10000" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(helpText);
    process.exit();
  }
  const [rounds, queries, requests] = [values.rounds, values.queries, values.requests].map(Number);
  const chosen = positionals.length > 0 ? positionals : Object.keys(parts);
  const unknown = chosen.find((name) => !(name in parts));
  const isCount = (value: number | undefined): value is number =>
    value !== undefined && Number.isInteger(value) && value > 0;
  if (unknown !== undefined || !isCount(rounds) || !isCount(queries) || !isCount(requests)) {
    process.stderr.write(
      unknown === undefined
        ? "--rounds, --queries and --requests want whole numbers from 1. --help shows the flags.\n"
        : `There is no part "${unknown}". --help shows them.\n`,
    );
    process.exit(2);
  }
  // Figures go to the standard error while --json keeps the standard output for its one line.
  const output = values.json ? process.stderr : process.stdout;
  const figures: Figure[] = [];
  const describeMachine = watchMachine();
  const context = {
    rounds,
    queries,
    requests,
    say: (line: string) => void output.write(`${line}\n`),
    tell: (figure: Figure) => {
      figures.push(figure);
      output.write(`${lineOf(figure)}\n`);
    },
  };
  for (const [name, bench] of Object.entries(parts)) if (chosen.includes(name)) await bench(context);
  const machine = describeMachine();
  output.write(`${JSON.stringify(machine)}\n`);
  if (values.json) {
    const seconds = Math.round((performance.now() - begun) / 1000);
    process.stdout.write(`${JSON.stringify({ bench: "inference", figures, machine, seconds })}\n`);
  }
} catch (error) {
  process.stderr.write(`The benchmark failed: ${error instanceof Error ? error.stack : String(error)}\n`);
  process.exitCode = 1;
}

function lineOf(figure: Figure): string {
  const percent = (part: number) => `±${Math.round(part * 50)} %`;
  const value = `${figure.value} ${figure.unit}`.trim();
  const goal = figure.reach ? `  ${figure.reach}: ${figure.reached ? "reached" : "NOT reached"}` : "";
  return (
    `${figure.name}: ${value} (${percent(figure.spread)}), ` +
    `${figure.baseline_name} ${figure.baseline} (${percent(figure.baseline_spread)}), ratio ${figure.ratio}${goal}`
  );
}
