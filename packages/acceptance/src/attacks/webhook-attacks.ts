import { call } from "../testing/call.ts";
import { type Attack, outcomeOf, type Scene } from "./attack.ts";

async function register(scene: Scene, url: string) {
  return outcomeOf(await call(`${scene.apiUrl}/webhooks`, "POST", { token: scene.token, json: { url } }));
}

/** Where no webhook may go. A name that leads inside by the time of the connection is the worker's to refuse. */
const inside: [string, string][] = [
  ["loopback", "https://127.0.0.1/"],
  ["loopback by name", "https://localhost/"],
  ["loopback by a name below", "https://api.localhost./"],
  ["loopback as a decimal number", "https://2130706433/"],
  ["loopback in octal", "https://0177.0.0.1/"],
  ["loopback in hexadecimal", "https://0x7f000001/"],
  ["loopback cut short", "https://127.1/"],
  ["loopback in full-width digits", "https://１２７.0.0.1/"],
  ["IPv6 loopback", "https://[::1]/"],
  ["IPv4 in IPv6", "https://[::ffff:127.0.0.1]/"],
  ["IPv4 in IPv6, in hexadecimal", "https://[::ffff:7f00:1]/"],
  ["the metadata address", "https://169.254.169.254/latest/meta-data/"],
  ["the metadata address in IPv4-mapped IPv6", "https://[::ffff:a9fe:a9fe]/"],
  ["the metadata name", "https://metadata.google.internal/"],
  ["a private network", "https://10.0.0.1/"],
  ["a unique local address", "https://[fd00::1]/"],
  ["a link-local address", "https://[fe80::1]/"],
  ["everything (0.0.0.0)", "https://0.0.0.0/"],
  ["NAT64 of loopback", "https://[64:ff9b::7f00:1]/"],
  ["http", "http://example.com/"],
  ["a name and a password", "https://user:password@example.com/"],
  ["SMTP's port", "https://example.com:25/"],
];

export const webhookAttacks: Attack[] = [
  ...inside.map(
    ([name, url]): Attack => ({
      name: `webhook to ${name}`,
      send: (scene) => register(scene, url),
      expected: ["422 webhook_url_refused"],
    }),
  ),
  {
    name: "webhook by another scheme",
    send: (scene) => register(scene, "file:///etc/passwd"),
    expected: ["400 invalid_request", "422 webhook_url_refused"],
  },
  {
    name: "webhook of a task to loopback",
    send: async (scene) => {
      const json = { text: "a", max_new_tokens: 2, webhook: { url: "https://127.0.0.1/" } };
      return outcomeOf(await call(`${scene.apiUrl}/generate-async`, "POST", { token: scene.token, json }));
    },
    expected: ["422 webhook_url_refused"],
  },
];
