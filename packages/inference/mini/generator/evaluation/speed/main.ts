/**
 * How soon the mini generator begins to answer, and how fast it goes on, with about 1,000 tokens of passages, on two cores:
 * `node packages/inference/mini/generator/evaluation/speed/main.ts [--rounds 9] [--models FOLDER]`.
 */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { english } from "../english-facts.ts";
import { openGenerator } from "../open-generator.ts";

const CORES = 2;
const PASSAGES = 5;

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "9" },
    models: { type: "string", default: fileURLToPath(new URL("../../../models/", import.meta.url)) },
  },
});
const middle = (numbers: number[]) => numbers.sort((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN;

const told =
  "The wizard sings of a grey tower by the lake where seven swans came down one winter evening while an old miller carried " +
  "flour, salt and eleven candles across the frozen field to his sister, who had waited since noon with bread, soup and news " +
  "from the harbour about a ship that left without its captain, two cooks, every map on board, nine barrels of tar and the " +
  "only dog that could find its way home through fog, rain or even snow, because nobody had told them what time it was.";
// As much of the filler as makes the prompt 1,000 tokens long, beside the sentence that answers.
const text = Array.from({ length: 51 }, (_, i) => english.filler[i % english.filler.length] ?? "");
const passages = Array.from({ length: PASSAGES }, (_, at) =>
  [...text.filter((_, i) => i % PASSAGES === at), ...(at === 2 ? [told] : [])].join(" "),
);

const generator = await openGenerator(values.models, CORES);
const rounds = [];
for (let round = 0; round <= Number(values.rounds); round++) {
  const begun = performance.now();
  const { promptTokens } = await generator.answer("Which wizard sings?", passages, 1);
  const first = performance.now();
  const { tokens } = await generator.answer("Which wizard sings?", passages);
  const whole = performance.now() - first;
  rounds.push({
    promptTokens,
    tokens,
    first: first - begun,
    rate: (1000 * (tokens - 1)) / (whole - (first - begun)),
  });
}
await generator.close();

const [warmUp, ...measured] = rounds;
const first = middle(measured.map((round) => round.first));
const rate = middle(measured.map((round) => round.rate));
process.stdout.write(
  `Prompt of ${warmUp?.promptTokens} tokens, answer of ${warmUp?.tokens}, ${CORES} threads, medians of ${measured.length} rounds:\n` +
    `first token after ${first.toFixed(0)} ms, then ${rate.toFixed(0)} tokens/s\n`,
);
