/**
 * Scores a generator on documents that it never saw:
 * `node packages/inference/mini/generator/evaluation/main.ts [--cases 500] [--models FOLDER] [--wrong]`.
 */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type Case, makeCases } from "./make-cases.ts";
import { type Generator, openGenerator } from "./open-generator.ts";
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
const speed = await measureSpeed(generator, cases);
await generator.close();

print("| | right | of | share |\n| --- | --- | --- | --- |");
for (const [name, { right, of }] of Object.entries(scores))
  print(`| ${name} | ${right} | ${of} | ${((100 * right) / of).toFixed(1)} % |`);
print(speed);

/** The median of five prompts of about 1,000 tokens. */
async function measureSpeed(of: Generator, items: readonly Case[]): Promise<string> {
  const passages = items.filter(({ language }) => language === "en").flatMap((item) => item.passages);
  const runs = [];
  for (let run = 0; run < 5; run++) {
    const [asked] = items;
    const text = passages.slice(run * 20, run * 20 + 20);
    if (!asked) throw new Error("No cases.");
    let begun = performance.now();
    const { promptTokens } = await of.answer(asked.question, text, 1);
    const first = performance.now() - begun;
    begun = performance.now();
    const { tokens } = await of.answer("Who?", [
      ...text,
      `Who? ${"Who is it that he sees there, and why? ".repeat(5)}`,
    ]);
    runs.push({ promptTokens, first, rate: ((tokens - 1) * 1000) / (performance.now() - begun - first) });
  }
  runs.sort((a, b) => a.first - b.first);
  const middle = runs[2];
  return `Prompt of ${middle?.promptTokens} tokens: first token after ${middle?.first.toFixed(0)} ms, then ${middle?.rate.toFixed(0)} tokens/s.`;
}
