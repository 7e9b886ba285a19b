import { expect, it } from "vitest";
import { toOriginTest } from "./cors.ts";

it.each<[string, string, boolean]>([
  ["http://localhost:*", "http://localhost:3000", true],
  ["http://localhost:*", "http://localhost", true],
  ["http://localhost:*", "https://localhost:3000", false],
  ["http://localhost:*", "http://localhost.evil.example:80", false],
  ["http://localhost:*", "http://localhost:3000.evil.example", false],
  ["https://app.example.com", "https://app.example.com", true],
  ["https://app.example.com/", "https://app.example.com", true],
  ["https://app.example.com", "https://appxexample.com", false],
  ["https://*.example.com", "https://a.example.com", true],
  ["https://*.example.com", "https://a.b.example.com", false],
  ["https://*.example.com", "https://evil.example/.example.com", false],
  ["*", "https://anything.example", true],
])("%s lets %s: %s", (pattern, origin, allowed) => {
  expect(toOriginTest(pattern)(origin)).toBe(allowed);
});
