import { expect, it } from "vitest";
import { z } from "zod";
import { invalidRequest } from "./validation.ts";

it("says that a missing field is required", () => {
  const { error } = z.object({ text: z.string() }).safeParse({});
  expect(error && invalidRequest(error, "")).toMatchObject({
    message: "/text: is required.",
    errors: [{ path: "/text", message: "is required" }],
  });
});

it("keeps what is said about a field of another type", () => {
  const { error } = z.object({ text: z.string() }).safeParse({ text: 1 });
  expect(error && invalidRequest(error, "")).toMatchObject({
    message: "/text: Invalid input: expected string, received number.",
  });
});
