import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { modelFolder } from "../files.ts";
import { makeCases } from "./make-cases.ts";
import { openGenerator } from "./open-generator.ts";
import { scoreCases } from "./score-cases.ts";

const models = mkdtempSync(join(tmpdir(), "genq-mini-"));
const built = join(models, "genq/mini-generator");

beforeAll(() => {
  mkdirSync(built, { recursive: true });
  copyFileSync(join(modelFolder, "tokenizer.json"), join(built, "tokenizer.json"));
  execFileSync(process.execPath, [fileURLToPath(new URL("../build.ts", import.meta.url)), built]);
}, 60_000);

afterAll(() => {
  rmSync(models, { recursive: true });
});

describe("the mini generator that build.ts makes", () => {
  it("answers questions about documents that it never saw, or says that they don't tell", async () => {
    const generator = await openGenerator(models);
    const wrong: string[] = [];
    const scores = await scoreCases(generator, makeCases(50), ({ question }, said) => {
      wrong.push(`${question} ${said}`);
    });
    await generator.close();
    const share = ({ right, of }: { right: number; of: number }) => right / of;
    expect.soft(share(scores.English), wrong.join("\n")).toBeGreaterThanOrEqual(0.85);
    expect.soft(share(scores.Japanese), wrong.join("\n")).toBeGreaterThanOrEqual(0.75);
    expect.soft(share(scores.unanswerable), wrong.join("\n")).toBeGreaterThanOrEqual(0.7);
    expect(share(scores.ended)).toBe(1);
  }, 180_000);

  it.each(["onnx/model.onnx", "config.json", "generation_config.json", "tokenizer_config.json"])(
    "is the one in the repository: %s",
    (file) => {
      expect(readFileSync(join(built, file)).equals(readFileSync(join(modelFolder, file)))).toBe(true);
    },
  );
});
