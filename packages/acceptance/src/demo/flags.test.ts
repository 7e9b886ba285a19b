import { expect, it } from "vitest";
import { parseFlags } from "./flags.ts";

it("points to --help when it doesn't know an option", () => {
  expect(parseFlags(["--port", "1"])).toEqual({
    trouble: "Unknown option '--port'; --help shows the flags.",
  });
});
