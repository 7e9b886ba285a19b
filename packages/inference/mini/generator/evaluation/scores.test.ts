import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { makeCases } from "./make-cases.ts";
import { openGenerator } from "./open-generator.ts";
import { scoreCases } from "./score-cases.ts";

it("answers questions about documents that it never saw, or says that they don't tell", async () => {
  const generator = await openGenerator(fileURLToPath(new URL("../../models/", import.meta.url)));
  const wrong: string[] = [];
  const scores = await scoreCases(generator, makeCases(50), ({ question }, said) => {
    wrong.push(`${question} ${said}`);
  });
  await generator.close();
  const share = ({ right, of }: { right: number; of: number }) => right / of;
  expect.soft(share(scores.English), wrong.join("\n")).toBeGreaterThanOrEqual(0.85);
  expect.soft(share(scores.Japanese), wrong.join("\n")).toBeGreaterThanOrEqual(0.75);
  expect.soft(share(scores.unanswerable), wrong.join("\n")).toBeGreaterThanOrEqual(0.6);
  expect(share(scores.ended)).toBe(1);
}, 60_000);
