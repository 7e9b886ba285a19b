/**
 * Scores a generator on documents that it never saw:
 * `node packages/inference/mini/generator/evaluation/main.ts [--cases 500] [--models FOLDER] [--wrong]`.
 */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { makeCases } from "./make-cases.ts";
import { openGenerator } from "./open-generator.ts";
import { scoreCases } from "./score-cases.ts";

const { values } = parseArgs({
  options: {
    cases: { type: "string", default: "500" },
    models: { type: "string", default: fileURLToPath(new URL("../../models/", import.meta.url)) },
    wrong: { type: "boolean", default: false },
  },
});
const print = (line: string) => process.stdout.write(`${line}\n`);

const generator = await openGenerator(values.models);
const cases = makeCases(Number(values.cases));
const scores = await scoreCases(generator, cases, ({ question, answer }, said) => {
  if (values.wrong) print(`${question}\n  wanted ${answer ?? "none"}\n  said   ${said}`);
});
await generator.close();

print("| | right | of | share |\n| --- | --- | --- | --- |");
for (const [name, { right, of }] of Object.entries(scores))
  print(`| ${name} | ${right} | ${of} | ${((100 * right) / of).toFixed(1)} % |`);
