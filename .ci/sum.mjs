// Prints what failed, then `N passed, N failed` over the vitest reports and chaos verdicts of a run, and fails when
// anything did. Each invariant of a chaos run counts as a test.
// A step that failed without a failed test (a lint error, a leak, a crash) counts as one failure.
import { existsSync, readdirSync, readFileSync } from "node:fs";

const folder = process.argv[2];
let passed = 0;
let failed = 0;
for (const verdict of readdirSync(folder).filter((name) => name.endsWith(".verdict"))) {
  const report = `${folder}/${verdict.replace(".verdict", ".json")}`;
  const tests = existsSync(report) ? JSON.parse(readFileSync(report, "utf8")) : {};
  const held = invariantsOf(`${folder}/${verdict.replace(".verdict", ".chaos")}`);
  const broken = held.filter((holds) => !holds).length;
  passed += (tests.numPassedTests ?? 0) + held.length - broken;
  const stepFailed = readFileSync(`${folder}/${verdict}`, "utf8").trim() === "FAILED";
  failed += (tests.numFailedTests ?? 0) + broken || Number(stepFailed);
  tellFailures(tests.testResults ?? []);
}
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed > 0 ? 1 : 0;

/** Names each failed test, or the file that could not be run, with the error, so that the end of a long log tells them. */
function tellFailures(files) {
  for (const { name, status, message, assertionResults } of files) {
    const tests = assertionResults.filter((test) => test.status === "failed");
    const errors = tests.map((test) => `${test.fullName}\n${test.failureMessages.join("\n")}`);
    if (errors.length === 0 && status === "failed") errors.push(message);
    for (const error of errors) process.stdout.write(`FAILED ${name}: ${error.slice(0, 2000)}\n\n`);
  }
}

/** Whether each invariant of a chaos run holds; nothing where there was none, or it ended without a verdict. */
function invariantsOf(file) {
  const line = existsSync(file) ? readFileSync(file, "utf8").trim().split("\n").at(-1) : "";
  return line ? Object.values(JSON.parse(line).invariants) : [];
}
