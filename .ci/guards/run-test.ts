import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";

/** What became of one test. */
export type Verdict =
  | { status: "passed" }
  /** `how`: the first line of what the test says. */
  | { status: "failed"; how: string }
  /** No such test, or something else broke before it: that shows nothing. */
  | { status: "unknown"; how: string };

export interface TestName {
  file: string;
  name: string;
}

/** How long a run of one file may take: a test that hangs without its guard has to end by its own timeout. */
const boundMs = 400_000;

/** Runs the tests of some files, or the one that is named, and tells what became of each of them. */
export async function runTests(
  root: string,
  files: string[],
  name: string | undefined,
  options: { servers: boolean },
): Promise<(test: TestName) => Verdict> {
  const folder = await mkdtemp(join(tmpdir(), "genq-guards-report-"));
  const report = join(folder, "report.json");
  const only = name === undefined ? [] : ["-t", `^${escapePattern(name)}$`];
  const output = await vitest(root, [
    ...(options.servers && files.every(hasServers) ? ["--mode", "servers"] : []),
    ...[...new Set(files.map(projectOf))].flatMap((project) => ["--project", project]),
    ...only,
    "--reporter=json",
    `--outputFile=${report}`,
    ...files,
  ]);
  const text = await readFile(report, "utf8").catch(() => "");
  await rm(folder, { recursive: true, force: true });
  return (test) => {
    const verdict = text === "" ? undefined : verdictOf(JSON.parse(text) as Report, root, test);
    return verdict ?? { status: "unknown", how: firstLine(output) };
  };
}

/** The part of vitest's report that is read here. */
interface Report {
  testResults: {
    name: string;
    message?: string;
    assertionResults: { fullName: string; status: string; failureMessages: string[] | null }[];
  }[];
}

function verdictOf(report: Report, root: string, { file, name }: TestName): Verdict | undefined {
  const result = report.testResults.find((one) => one.name.endsWith(join(root, file)));
  const test = result?.assertionResults.find((one) => one.fullName.trim() === name);
  if (test?.status === "passed") return { status: "passed" };
  if (test?.status === "failed") return { status: "failed", how: firstLine(test.failureMessages?.[0] ?? "") };
  return result?.message ? { status: "unknown", how: firstLine(result.message) } : undefined;
}

/** Vitest's config leaves these out on servers, for no server has a part in them. */
function hasServers(file: string): boolean {
  return !/^(apps\/standalone|packages\/(inference|core\/src\/documents))\//.test(file);
}

function projectOf(file: string): string {
  return /\.(int|smoke)\.test\.ts$/.exec(file)?.[1] ?? "unit";
}

function vitest(root: string, args: string[]): Promise<string> {
  return new Promise((resolve) => {
    const command = [join(root, "node_modules/vitest/vitest.mjs"), "run", ...args];
    const options = { cwd: root, timeout: boundMs, maxBuffer: 2 ** 26 };
    execFile(process.execPath, command, options, (_error, stdout, stderr) => resolve(stderr + stdout));
  });
}

/** The first line, and the next ones as long as they say what comes. */
function firstLine(text: string): string {
  const lines = stripVTControlCharacters(text)
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  const end = lines.findIndex((line) => !line.endsWith(":"));
  return (lines.slice(0, end + 1).join(" ") || "no output").slice(0, 160);
}

/** Vitest joins the names of a `describe` and its test by one or the other. */
function escapePattern(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&").replaceAll(" ", "(?: > | )");
}
