import { generateKeyPairSync, sign } from "node:crypto";
import { call } from "../testing/call.ts";
import { type Attack, outcomeOf, type Scene } from "./attack.ts";

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** The claims of a real token, with changes. */
function claimsOf(token: string, changes: object = {}): object {
  const claims: unknown = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
  return { ...(typeof claims === "object" ? claims : {}), ...changes };
}

function headerOf(token: string): unknown {
  return JSON.parse(Buffer.from(token.split(".")[0] ?? "", "base64url").toString());
}

/** A token with the key id of the real ones, signed by a key that is nobody's. */
function foreignToken(token: string, changes: object = {}): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const header = { ...(headerOf(token) as object), alg: "ES256" };
  const input = `${encode(header)}.${encode(claimsOf(token, changes))}`;
  const signature = sign("sha256", Buffer.from(input), { key: privateKey, dsaEncoding: "ieee-p1363" });
  return `${input}.${signature.toString("base64url")}`;
}

async function list(scene: Scene, authorization?: string) {
  const headers = authorization === undefined ? {} : { authorization };
  const answer = await call(`${scene.apiUrl}/files`, "GET", { headers });
  if (answer.status === 401 && !answer.headers.has("www-authenticate"))
    throw new Error("A 401 names no scheme.");
  return outcomeOf(answer);
}

async function ask(scene: Scene, method: string, path: string, json?: unknown) {
  const options = { token: scene.token, ...(json === undefined ? {} : { json }) };
  return outcomeOf(await call(scene.apiUrl + path, method, options));
}

const refused = ["401 unauthorized"];
const past = { iat: 1_000_000_000, exp: 1_000_003_600 };

export const accessAttacks: Attack[] = [
  { name: "no token", send: (scene) => list(scene), expected: refused },
  { name: "token that is no JWT", send: (scene) => list(scene, "Bearer abc"), expected: refused },
  { name: "Basic instead of Bearer", send: (scene) => list(scene, "Basic YTpi"), expected: refused },
  {
    name: "expired token",
    send: (scene) => list(scene, `Bearer ${foreignToken(scene.token, past)}`),
    expected: refused,
  },
  {
    name: "token of a foreign key",
    send: (scene) => list(scene, `Bearer ${foreignToken(scene.token)}`),
    expected: refused,
  },
  {
    name: "unsigned token",
    send: (scene) => list(scene, `Bearer ${scene.token.split(".").slice(0, 2).join(".")}.`),
    expected: refused,
  },
  {
    name: "alg: none",
    send: (scene) =>
      list(scene, `Bearer ${encode({ alg: "none", typ: "JWT" })}.${encode(claimsOf(scene.token))}.`),
    expected: refused,
  },
  {
    name: "token with other claims and the old signature",
    send: (scene) => {
      const [header, , signature] = scene.token.split(".");
      return list(
        scene,
        `Bearer ${header}.${encode(claimsOf(scene.token, { exp: 4_000_000_000 }))}.${signature}`,
      );
    },
    expected: refused,
  },
  {
    name: "token of 12 kB",
    send: (scene) => list(scene, `Bearer ${"a".repeat(12_000)}`),
    expected: [...refused, "431 headers_too_large"],
  },
  {
    name: "another user's task",
    send: (scene) => ask(scene, "GET", `/task/${scene.foreign.taskId}`),
    expected: ["404 not_found"],
  },
  {
    name: "another user's file",
    send: (scene) => ask(scene, "GET", `/files/${scene.foreign.fileId}`),
    expected: ["404 not_found"],
  },
  {
    name: "another user's file_ids, searched",
    send: (scene) => ask(scene, "POST", "/search", { query: "a", file_ids: [scene.foreign.fileId] }),
    expected: ["404 not_found"],
  },
  {
    name: "another user's file_ids, asked about",
    send: (scene) => ask(scene, "POST", "/generate-async", { text: "a", file_ids: [scene.foreign.fileId] }),
    expected: ["404 not_found"],
  },
];
