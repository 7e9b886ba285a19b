import { jobKinds } from "@genq/contract";
import { expect, expectTypeOf, it } from "vitest";
import { embed } from "./embed.ts";
import { generate } from "./generate.ts";
import { type Handlers, handlers } from "./handlers.ts";
import { ingest } from "./ingest.ts";
import { search } from "./search.ts";

it("has a handler for each kind of the catalog", () => {
  expect(Object.keys(handlers).sort()).toEqual([...jobKinds].sort());
});

it("does not compile with a handler that is missing or gives another kind's result", () => {
  // @ts-expect-error generate is missing
  const missing: Handlers = { ingest, embed, search };
  // @ts-expect-error embed's result is not a search's
  const wrong: Handlers = { ingest, embed, search: embed, generate };
  expectTypeOf([missing, wrong]).toEqualTypeOf<Handlers[]>();
});
