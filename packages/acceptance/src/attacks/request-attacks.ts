import { type CallOptions, call } from "../testing/call.ts";
import { type Attack, outcomeOf, type Scene } from "./attack.ts";

const json = { "content-type": "application/json" };

/** A request to `POST /generate-async`, which makes work of everything that it takes. */
async function ask(scene: Scene, body: unknown, options: CallOptions = {}) {
  const given =
    typeof body === "string" || body instanceof ReadableStream ? { headers: json, body } : { json: body };
  return outcomeOf(
    await call(`${scene.apiUrl}/generate-async`, "POST", { token: scene.token, ...given, ...options }),
  );
}

async function get(scene: Scene, path: string, method = "GET") {
  return outcomeOf(await call(scene.apiUrl + path, method, { token: scene.token }));
}

const short = { max_new_tokens: 2 };

export const requestAttacks: Attack[] = [
  { name: "malformed JSON", send: (scene) => ask(scene, '{"text": "a'), expected: ["400 malformed_json"] },
  {
    name: "no body",
    send: (scene) => ask(scene, ""),
    expected: ["400 malformed_json", "400 invalid_request"],
  },
  {
    name: "JSON nested 100,000 deep",
    send: (scene) => ask(scene, `{"text":${"[".repeat(100_000)}${"]".repeat(100_000)}}`),
    expected: ["400 invalid_request", "400 malformed_json"],
  },
  {
    name: "body over the limit, with Content-Length",
    send: (scene) => ask(scene, JSON.stringify({ text: "a".repeat(scene.bodyBytes) })),
    expected: ["413 payload_too_large"],
  },
  {
    name: "body over the limit, without Content-Length",
    send: (scene) =>
      ask(scene, new Blob([JSON.stringify({ text: "a".repeat(scene.bodyBytes * 2) })]).stream()),
    expected: ["413 payload_too_large"],
  },
  {
    name: "lone surrogate in a text",
    send: (scene) => ask(scene, '{"text":"a \\ud800 b","max_new_tokens":2}'),
    expected: ["202 accepted"],
  },
  {
    name: "\\u0000 in a text",
    send: (scene) => ask(scene, { ...short, text: "a \u0000 b" }),
    expected: ["400 invalid_request"],
  },
  {
    name: "bytes that are not UTF-8",
    send: async (scene) => {
      const body = Uint8Array.of(
        ...Buffer.from('{"max_new_tokens":2,"text":"a '),
        0xff,
        0xfe,
        ...Buffer.from('"}'),
      );
      const options = { token: scene.token, headers: json, body };
      return outcomeOf(await call(`${scene.apiUrl}/generate-async`, "POST", options));
    },
    expected: ["400 malformed_json", "202 accepted"],
  },
  {
    name: "unknown model",
    send: (scene) => ask(scene, { ...short, text: "a", model: "gpt-99" }),
    expected: ["422 unknown_model"],
  },
  {
    name: "max_new_tokens: 1e9",
    send: (scene) => ask(scene, { text: "a", max_new_tokens: 1e9 }),
    expected: ["400 invalid_request"],
  },
  {
    name: "unknown field",
    send: (scene) => ask(scene, { ...short, text: "a", txet: "b" }),
    expected: ["400 invalid_request"],
  },
  {
    name: "blank text",
    send: (scene) => ask(scene, { ...short, text: " \n" }),
    expected: ["400 invalid_request"],
  },
  {
    name: "__proto__ as a field",
    send: (scene) => ask(scene, '{"text":"a","__proto__":{"admin":true}}'),
    expected: ["400 invalid_request", "202 accepted"],
  },
  {
    name: "Idempotency-Key of 300 characters",
    send: (scene) =>
      ask(scene, undefined, { json: { text: "a" }, headers: { "idempotency-key": "k".repeat(300) } }),
    expected: ["400 invalid_request"],
  },
  {
    name: "body that is not JSON by its type",
    send: (scene) => ask(scene, "text=a", { headers: { "content-type": "text/plain" } }),
    expected: ["415 unsupported_media_type", "400 invalid_request"],
  },
  {
    name: "wait=forever",
    send: (scene) => get(scene, `/task/${crypto.randomUUID()}?wait=forever`),
    expected: ["400 invalid_request"],
  },
  {
    name: "made-up cursor",
    send: (scene) => get(scene, "/files?cursor=%00%ff"),
    expected: ["400 invalid_request"],
  },
  {
    name: "id that is no UUID",
    send: (scene) => get(scene, "/task/..%2f..%2fetc"),
    expected: ["404 not_found"],
  },
  { name: "unknown route", send: (scene) => get(scene, "/admin"), expected: ["404 not_found"] },
  {
    name: "wrong method",
    send: (scene) => get(scene, "/generate", "DELETE"),
    expected: ["405 method_not_allowed"],
  },
];
