import { connect } from "node:net";
import { call, textAt } from "../testing/call.ts";
import { type Attack, type Outcome, outcomeOf, type Scene } from "./attack.ts";

/** Sends a key as it is: fetch itself refuses what no header may hold, and an attacker does not use fetch. */
function sendKey(scene: Scene, key: string, path = "/generate-async"): Promise<Outcome> {
  const url = new URL(scene.apiUrl);
  const body = JSON.stringify({ text: "a", max_new_tokens: 2 });
  const head = [
    `POST ${path} HTTP/1.1`,
    `host: ${url.host}`,
    `authorization: Bearer ${scene.token}`,
    "content-type: application/json",
    `content-length: ${Buffer.byteLength(body)}`,
    "connection: close",
    `idempotency-key: ${key}`,
  ].join("\r\n");
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(Number(url.port), url.hostname);
    socket.setTimeout(20_000, () => socket.destroy(new Error("No answer.")));
    socket.on("data", (chunk) => chunks.push(chunk));
    // A server that refuses a head may close before it has read the rest: what it said counts.
    socket.on("error", (error) => (chunks.length === 0 ? reject(error) : undefined));
    socket.on("close", () => resolve(readAnswer(Buffer.concat(chunks).toString("utf8"))));
    socket.write(Buffer.concat([Buffer.from(`${head}\r\n\r\n`, "latin1"), Buffer.from(body)]));
  });
}

function readAnswer(answer: string): Outcome {
  const end = answer.indexOf("\r\n\r\n");
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1]);
  if (Number.isNaN(status)) throw new Error(`No HTTP answer: ${answer.slice(0, 200)}`);
  const text = answer.slice(answer.indexOf("{", end), answer.lastIndexOf("}") + 1);
  const isProblem = /^content-type: application\/problem\+json/im.test(answer.slice(0, end));
  const code = status < 400 ? "accepted" : isProblem ? textAt(JSON.parse(text), "code") : "not a problem";
  return { status, code, by: "answer", text };
}

const invalid = ["400 invalid_request"];

export const keyAttacks: Attack[] = [
  {
    name: "Idempotency-Key of 10 kB",
    send: (scene) => sendKey(scene, "k".repeat(10_240)),
    expected: invalid,
  },
  {
    name: "Idempotency-Key of 100 kB",
    send: (scene) => sendKey(scene, "k".repeat(102_400)),
    expected: ["431 headers_too_large"],
  },
  { name: "Idempotency-Key with \\u0000", send: (scene) => sendKey(scene, "a\0b"), expected: invalid },
  { name: "Idempotency-Key with \\u0001", send: (scene) => sendKey(scene, "a\u0001b"), expected: invalid },
  { name: "Idempotency-Key with \\u007f", send: (scene) => sendKey(scene, "a\u007fb"), expected: invalid },
  { name: "Idempotency-Key with a tab", send: (scene) => sendKey(scene, "a\tb"), expected: invalid },
  {
    name: "Idempotency-Key with a line break and a second header",
    send: (scene) => sendKey(scene, "a\r\n b: c"),
    expected: invalid,
  },
  {
    name: "Idempotency-Key that is empty",
    send: (scene) => sendKey(scene, ""),
    expected: invalid,
  },
  { name: "Idempotency-Key of blanks", send: (scene) => sendKey(scene, "   "), expected: invalid },
  {
    name: "Idempotency-Key in Latin-1",
    send: (scene) => sendKey(scene, "cl\u00e9"),
    expected: invalid,
  },
  {
    name: "Idempotency-Key in UTF-8",
    send: (scene) => sendKey(scene, Buffer.from("鍵🔑").toString("latin1")),
    expected: invalid,
  },
  {
    name: "Idempotency-Key with SQL",
    send: (scene) => sendKey(scene, `';drop/**/table/**/tasks;--${crypto.randomUUID()}`),
    expected: ["202 accepted"],
  },
  {
    name: "Idempotency-Key twice, with two bodies",
    send: async (scene) => {
      const headers = { "idempotency-key": crypto.randomUUID() };
      const send = (text: string) =>
        call(`${scene.apiUrl}/generate-async`, "POST", {
          token: scene.token,
          headers,
          json: { text, max_new_tokens: 2 },
        });
      const first = await send("a");
      if (first.status !== 202) throw new Error(`The first request was answered ${first.status}.`);
      return { ...outcomeOf(await send("b")), by: "task" };
    },
    expected: ["422 idempotency_mismatch"],
  },
];
