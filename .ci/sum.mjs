// Prints `N passed, N failed` over the vitest reports of a run, and fails when anything did.
// A step that failed without a failed test (a lint error, a leak, a crash) counts as one failure.
import { existsSync, readdirSync, readFileSync } from "node:fs";

const folder = process.argv[2];
let passed = 0;
let failed = 0;
for (const verdict of readdirSync(folder).filter((name) => name.endsWith(".verdict"))) {
  const report = `${folder}/${verdict.replace(".verdict", ".json")}`;
  const tests = existsSync(report) ? JSON.parse(readFileSync(report, "utf8")) : {};
  passed += tests.numPassedTests ?? 0;
  const stepFailed = readFileSync(`${folder}/${verdict}`, "utf8").trim() === "FAILED";
  failed += (tests.numFailedTests ?? 0) || Number(stepFailed);
}
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed > 0 ? 1 : 0;
