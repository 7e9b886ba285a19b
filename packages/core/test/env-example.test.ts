import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

const repository = new URL("../../../", import.meta.url);
const read = (path: string) => readFileSync(new URL(path, repository), "utf8");

/** The variables that a file declares and their defaults, "" where there is none. */
function declared(path: string): Record<string, string> {
  const fields = read(path)
    .split(/\n {2,4}(?=[A-Z_]+:)/)
    .slice(1);
  return Object.fromEntries(
    fields.map((field) => [
      field.split(":")[0],
      /\.default\("?([^")]*)"?\)/.exec(field)?.[1]?.replaceAll("_", "") ?? "",
    ]),
  );
}

it(".env.example names every variable of the api and the worker with its default", () => {
  const example = Object.fromEntries(
    [...read(".env.example").matchAll(/^([A-Z_]+)=(.*)$/gm)].map(([, name = "", value = ""]) => [
      name,
      value,
    ]),
  );
  const files = ["packages/core/src/env.ts", "apps/api/src/env.ts", "apps/worker/src/env.ts"];
  const apps = Object.assign({}, ...files.map(declared));
  expect(Object.keys(apps).length).toBeGreaterThan(20);
  expect(example).toEqual(apps);
});
