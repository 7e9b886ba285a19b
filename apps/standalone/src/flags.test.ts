import { describe, expect, test } from "vitest";
import { parseFlags } from "./flags.ts";

describe("parseFlags", () => {
  test("has defaults for everything", () => {
    expect(parseFlags([])).toEqual({ port: 8000, data: ".data", models: "auto", json: false, help: false });
  });

  test("takes all flags, in both spellings of a value", () => {
    expect(parseFlags(["--port=9000", "--data", "/srv/genq", "--models", "mini", "--json"])).toEqual({
      port: 9000,
      data: "/srv/genq",
      models: "mini",
      json: true,
      help: false,
    });
  });

  test.each([
    [["--prot", "1"], "--prot"],
    [["--port", "eighty"], "--port"],
    [["--port", "65534"], "--port"],
    [["--port", "0"], "--port"],
    [["--port"], "--port"],
    [["--models", "huge"], "--models"],
    [["--data", ""], "--data"],
    [["serve"], "serve"],
  ])("says in one sentence what is wrong with %j", (args, named) => {
    const result = parseFlags(args);
    expect(result).toHaveProperty("problem", expect.stringContaining(named));
    expect(result).toHaveProperty("problem", expect.not.stringContaining("\n"));
  });
});
