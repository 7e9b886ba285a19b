import { once } from "node:events";
import { createServer } from "node:http";
import { AppError } from "@genq/contract";
import {
  base64url,
  type CryptoKey,
  exportJWK,
  exportSPKI,
  generateKeyPair,
  type JWK,
  type JWTPayload,
  SignJWT,
} from "jose";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { createTokenVerifier } from "./verify-token.ts";

const userId = "3f1c9a52-7f0e-4b8e-9a53-0d6b2a9d7c11";
const secret = "a shared secret that is long enough to be one";

/** A Supabase that publishes keys, counts who asks, and can be made to fail. */
let published: JWK[] = [];
let fails = false;
let asked = 0;
/** Each test has its own path, so that a fetch in the background counts for the test that began it. */
let test = 0;
const server = createServer((request, response) => {
  if (request.url === `/${test}/auth/v1/.well-known/jwks.json`) asked++;
  response.statusCode = fails ? 503 : 200;
  response.end(JSON.stringify({ keys: published }));
});
let baseUrl = "";
let supabaseUrl = "";

async function makeKey(
  alg: string,
  kid: string,
): Promise<{ privateKey: CryptoKey; publicKey: CryptoKey; jwk: JWK }> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { privateKey, publicKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: "sig" } };
}
const key = await makeKey("ES256", "one");

beforeAll(async () => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  baseUrl = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
});
afterAll(() => server.close());
beforeEach(() => {
  supabaseUrl = `${baseUrl}/${++test}`;
});
afterEach(() => {
  vi.useRealTimers();
  published = [];
  fails = false;
  asked = 0;
});

function verifier(options: { jwtSecret?: string } = {}) {
  return createTokenVerifier({ supabaseUrl, supabasePublicUrl: "https://public.example", ...options });
}

/** `undefined` leaves a claim out. */
type Claims = { [Name in keyof JWTPayload]: JWTPayload[Name] | undefined };

interface TokenOptions {
  claims?: Claims;
  alg?: string;
  kid?: string;
  key?: CryptoKey | Uint8Array;
}

function sign(options: TokenOptions = {}): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    sub: userId,
    role: "authenticated",
    aud: "authenticated",
    exp: now + 3600,
    iss: `${supabaseUrl}/auth/v1`,
  };
  // Claims that are undefined do not survive JSON.
  return new SignJWT({ ...claims, ...options.claims } as JWTPayload)
    .setProtectedHeader({ alg: options.alg ?? "ES256", kid: options.kid ?? "one" })
    .sign(options.key ?? key.privateKey);
}

async function refusal(promise: Promise<unknown>): Promise<{ code: string; detail: string }> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(AppError);
  return error instanceof AppError ? { code: error.code, detail: error.message } : { code: "", detail: "" };
}

describe("a token under a published key", () => {
  it.each(["ES256", "RS256", "EdDSA"])("is taken when it is signed with %s", async (alg) => {
    const other = await makeKey(alg, "other");
    published = [key.jwk, other.jwk];
    const token = await sign({ alg, kid: "other", key: other.privateKey });
    expect(await verifier()(token)).toEqual({ userId });
  });

  it("may name the public URL as its issuer", async () => {
    published = [key.jwk];
    const token = await sign({ claims: { iss: "https://public.example/auth/v1" } });
    expect(await verifier()(token)).toEqual({ userId });
  });

  it.each<[string, Claims, string, string]>([
    ["expired", { exp: 1 }, "unauthorized", "expired"],
    ["without exp", { exp: undefined }, "unauthorized", '"exp"'],
    ["without sub", { sub: undefined }, "unauthorized", '"sub"'],
    ["with a sub that is no id", { sub: "1 or 1=1" }, "unauthorized", '"sub"'],
    ["of another project", { iss: "https://other.example/auth/v1" }, "unauthorized", '"iss"'],
    ["without iss", { iss: undefined }, "unauthorized", '"iss"'],
    ["for another audience", { aud: "other" }, "unauthorized", '"aud"'],
    ["without aud", { aud: undefined }, "unauthorized", '"aud"'],
    ["not valid yet", { nbf: 4_000_000_000 }, "unauthorized", '"nbf"'],
    ["of the anon role", { role: "anon" }, "unauthorized", "anonymous"],
    ["of no role", { role: undefined }, "unauthorized", '"role"'],
    ["of the service role", { role: "service_role" }, "forbidden", "service key"],
  ])("is refused when it is %s", async (_name, claims, code, word) => {
    published = [key.jwk];
    const refused = await refusal(verifier()(await sign({ claims })));
    expect(refused.code).toBe(code);
    expect(refused.detail).toContain(word);
  });

  it("is refused when its signature or payload was changed", async () => {
    published = [key.jwk];
    const [head = "", , signature = ""] = (await sign()).split(".");
    const [, payload = ""] = (await sign({ claims: { sub: "99999999-7f0e-4b8e-9a53-0d6b2a9d7c11" } })).split(
      ".",
    );
    expect((await refusal(verifier()(`${head}.${payload}.${signature}`))).code).toBe("unauthorized");
  });
});

describe("an algorithm that is not the key's", () => {
  it("alg none is refused", async () => {
    published = [key.jwk];
    const [, payload = ""] = (await sign()).split(".");
    for (const alg of ["none", "None", "NONE"]) {
      const token = `${base64url.encode(JSON.stringify({ alg, kid: "one" }))}.${payload}.`;
      expect((await refusal(verifier()(token))).code).toBe("unauthorized");
      expect((await refusal(verifier({ jwtSecret: secret })(token))).code).toBe("unauthorized");
    }
  });

  it("a public key used as an HS256 secret is refused, with and without a shared secret", async () => {
    published = [key.jwk];
    const guesses = [await exportSPKI(key.publicKey), JSON.stringify(key.jwk), key.jwk.x ?? ""];
    for (const guess of guesses) {
      const token = await sign({ alg: "HS256", key: new TextEncoder().encode(guess.padEnd(32)) });
      expect((await refusal(verifier()(token))).code).toBe("unauthorized");
      expect((await refusal(verifier({ jwtSecret: secret })(token))).code).toBe("unauthorized");
    }
  });

  it("HS512 under the shared secret is refused", async () => {
    const token = await sign({ alg: "HS512", key: new TextEncoder().encode(secret.repeat(2)) });
    expect((await refusal(verifier({ jwtSecret: secret.repeat(2) })(token))).code).toBe("unauthorized");
  });

  it("a symmetric key in the key set is never used", async () => {
    published = [{ kty: "oct", k: base64url.encode(secret), kid: "one", alg: "HS256" }];
    const token = await sign({ alg: "HS256", key: new TextEncoder().encode(secret) });
    expect((await refusal(verifier()(token))).code).toBe("unauthorized");
    expect(asked).toBe(0);
  });
});

describe("a token under the shared secret", () => {
  const hs256 = { alg: "HS256", key: new TextEncoder().encode(secret) };

  it("needs the project as its issuer too", async () => {
    const verify = verifier({ jwtSecret: secret });
    expect(await verify(await sign(hs256))).toEqual({ userId });
    for (const iss of [undefined, "https://x.example"]) {
      expect((await refusal(verify(await sign({ ...hs256, claims: { iss } })))).code).toBe("unauthorized");
    }
  });

  it("is told from the project's own keys", async () => {
    const verify = verifier({ jwtSecret: secret });
    const legacy = { iss: "supabase", sub: undefined, aud: undefined };
    expect((await refusal(verify(await sign({ ...hs256, claims: { ...legacy, role: "anon" } })))).code).toBe(
      "unauthorized",
    );
    expect(
      (await refusal(verify(await sign({ ...hs256, claims: { ...legacy, role: "service_role" } })))).code,
    ).toBe("forbidden");
  });

  it("is refused where no secret is set", async () => {
    expect((await refusal(verifier()(await sign(hs256)))).detail).toContain("HS256");
  });
});

it.each(["", "a", "a.b.c", "sb_secret_abc", "sb_publishable_abc"])(
  "refuses %j, which is no token",
  async (token) => {
    expect((await refusal(verifier()(token))).code).toBe("unauthorized");
  },
);

it("refuses a token too long to be one before it looks into it", async () => {
  published = [key.jwk];
  const token = await sign({ claims: { padding: "a".repeat(9000) } });
  expect((await refusal(verifier()(token))).detail).toContain("too long");
});

describe("the key set", () => {
  it("is fetched once for many tokens", async () => {
    published = [key.jwk];
    const verify = verifier();
    const tokens = await Promise.all(Array.from({ length: 50 }, (_, n) => sign({ claims: { n } })));
    await Promise.all(tokens.map((token) => verify(token)));
    expect(asked).toBe(1);
  });

  it("is asked at most once in 30 s by a storm of unknown keys, and then knows a new one", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    published = [key.jwk];
    const verify = verifier();
    await verify(await sign());
    const next = await makeKey("ES256", "two");
    const storm = Array.from({ length: 100 }, (_, n) => sign({ kid: `made-up-${n}`, key: next.privateKey }));
    for (const token of storm) expect((await refusal(verify(await token))).code).toBe("unauthorized");
    expect(asked).toBe(1);
    published = [next.jwk];
    vi.setSystemTime(Date.now() + 31_000);
    expect(await verify(await sign({ kid: "two", key: next.privateKey }))).toEqual({ userId });
    expect(asked).toBe(2);
  });

  it("outlives an outage of the endpoint", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    published = [key.jwk];
    const verify = verifier();
    await verify(await sign());
    fails = true;
    for (let minute = 0; minute < 60; minute += 5) {
      vi.setSystemTime(Date.now() + 5 * 60_000);
      expect(await verify(await sign({ claims: { minute } }))).toEqual({ userId });
    }
    await expect.poll(() => asked).toBeGreaterThan(1);
  });

  it("is asked at most once in 30 s while it fails, and 503 says when to come back", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    fails = true;
    published = [key.jwk];
    const verify = verifier();
    for (let n = 0; n < 20; n++) {
      expect((await refusal(verify(await sign({ claims: { n } })))).code).toBe("auth_unavailable");
    }
    expect(asked).toBe(1);
    fails = false;
    vi.setSystemTime(Date.now() + 31_000);
    expect(await verify(await sign())).toEqual({ userId });
  });
});

describe("a verified token", () => {
  it("is not taken past its exp", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    published = [key.jwk];
    const verify = verifier();
    const token = await sign({ claims: { exp: Math.floor(Date.now() / 1000) + 20 } });
    expect(await verify(token)).toEqual({ userId });
    vi.setSystemTime(Date.now() + 21_000);
    expect((await refusal(verify(token))).detail).toContain("expired");
  });

  it("is trusted for a minute after its key was taken back, and no longer", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    published = [key.jwk];
    const verify = verifier();
    const token = await sign();
    await verify(token);
    const next = await makeKey("ES256", "two");
    published = [next.jwk];
    vi.setSystemTime(Date.now() + 31_000);
    await verify(await sign({ kid: "two", key: next.privateKey }));
    expect(await verify(token)).toEqual({ userId });
    vi.setSystemTime(Date.now() + 30_000);
    expect((await refusal(verify(token))).code).toBe("unauthorized");
  });
});
