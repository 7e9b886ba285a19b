import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

// Tests start some hundred processes: with what Node compiled before, each is up in half the time.
process.env["NODE_COMPILE_CACHE"] ??= fileURLToPath(new URL("node_modules/.cache/node", import.meta.url));

/** Begins with the files that take longest, so that none of them runs alone at the end. */
class LongestFirst extends BaseSequencer {
  readonly #longest = [
    "task-model.int",
    "launcher.smoke",
    "bad-input.smoke",
    "standstill.int",
    "parse-document.int",
    "poison.int",
    "webhooks.int",
  ];

  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const index = this.#longest.findIndex((name) => moduleId.includes(`/${name}.`));
      return index < 0 ? this.#longest.length : index;
    };
    return (await super.sort(files)).toSorted((one, other) => place(one) - place(other));
  }
}

/*
 * `npm test` runs everything on the embedded stack. `npm run test:servers` (--mode servers) runs the integration and
 * smoke suites again on the servers of TEST_DATABASE_URL and TEST_QUEUE_URL.
 */
export default defineConfig(({ mode }) => ({
  test: {
    // A process for each file: a crash costs one file, and what a file leaks is seen at its end.
    pool: "forks",
    // One more than the two cores that CI has: most files wait half of their time.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    allowOnly: false,
    restoreMocks: true,
    // What is waited for comes at once, but not on a busy machine.
    expect: { poll: { timeout: 20_000 } },
    provide: {
      servers: mode === "servers" ? servers() : undefined,
      // A stack that runs already, for the smoke tests alone.
      smokeApiUrl: process.env["SMOKE_API_URL"],
      // MODEL_SEED repeats one run of the model test, MODEL_RUNS says how many there are.
      taskModel: { runs: Number(process.env["MODEL_RUNS"] ?? 300), seed: process.env["MODEL_SEED"] },
    },
    setupFiles: ["packages/core/test/leaks.ts"],
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          setupFiles: ["packages/core/test/leaks.ts", "packages/core/test/no-network.ts"],
          include: ["{apps,packages}/*/{src,test,mini}/**/*.test.ts"],
          exclude: ["**/*.{int,smoke}.test.ts"],
          testTimeout: 30_000,
        },
      },
      {
        extends: true,
        test: {
          name: "int",
          include: ["{apps,packages}/*/{src,test}/**/*.int.test.ts"],
          // These read documents, run models and test the embedded servers: no other server has a part in them.
          exclude:
            mode === "servers"
              ? ["packages/core/src/documents/**", "packages/inference/**", "apps/standalone/**"]
              : [],
          globalSetup: ["packages/core/test/template-setup.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: "smoke",
          include: ["packages/acceptance/src/**/*.smoke.test.ts"],
          globalSetup: ["packages/core/test/stack-setup.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
}));

function servers(): { databaseUrl: string; queueUrl: string } {
  const databaseUrl = process.env["TEST_DATABASE_URL"];
  const queueUrl = process.env["TEST_QUEUE_URL"];
  if (!databaseUrl || !queueUrl) {
    throw new Error(
      "test:servers needs TEST_DATABASE_URL (postgres://, a user that may create databases and roles; pgvector 0.8) and " +
        "TEST_QUEUE_URL (redis://, rediss:// or postgres://). 'bash .ci/servers npm run test:servers' provides both.",
    );
  }
  return { databaseUrl, queueUrl };
}
