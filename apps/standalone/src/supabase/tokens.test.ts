import { generateKeyPairSync } from "node:crypto";
import { createLocalJWKSet, decodeJwt, jwtVerify, SignJWT } from "jose";
import { expect, test } from "vitest";
import { createTokenTranslator, translateAnswer } from "./tokens.ts";

const secret = "a secret of at least thirty-two bytes";
const issuer = "http://127.0.0.1:8001/auth/v1";
const key = () =>
  generateKeyPairSync("ec", { namedCurve: "P-256" })
    .privateKey.export({ type: "pkcs8", format: "pem" })
    .toString();
const translator = await createTokenTranslator({ secret, privateKey: key(), issuer });

function inner(exp: string | number = "1h", withSecret = secret): Promise<string> {
  return new SignJWT({ role: "authenticated", email: "a@example.com" })
    .setProtectedHeader({ alg: "HS256", typ: "JWT" })
    .setSubject("user-1")
    .setAudience("authenticated")
    .setIssuedAt()
    .setExpirationTime(exp)
    .sign(new TextEncoder().encode(withSecret));
}

test("what leaves verifies by the published keys, with issuer, and comes back as what lite signed", async () => {
  const original = await inner();
  const outside = await translator.outbound(original);
  const { payload, protectedHeader } = await jwtVerify(outside, createLocalJWKSet(translator.keySet), {
    issuer,
    audience: "authenticated",
  });
  expect(protectedHeader.alg).toBe("ES256");
  expect(payload).toMatchObject({ ...decodeJwt(original), iss: issuer });
  const { payload: back } = await jwtVerify(
    await translator.inbound(outside),
    new TextEncoder().encode(secret),
  );
  expect(back.sub).toBe("user-1");
  expect(JSON.stringify(translator.keySet)).not.toContain('"d"');
});

test("foreign, forged and expired tokens are not turned into valid ones", async () => {
  const other = await createTokenTranslator({ secret, privateKey: key(), issuer });
  const elsewhere = await createTokenTranslator({ secret, privateKey: key(), issuer: "http://elsewhere" });
  const expired = await inner(Math.floor(Date.now() / 1000) - 10);
  for (const token of [
    await other.outbound(await inner()),
    await elsewhere.outbound(await inner()),
    "nonsense",
  ]) {
    expect(await translator.inbound(token)).toBe(token);
  }
  expect(await translator.outbound(expired)).toBe(expired);
  const forged = await inner("1h", "some other secret, also thirty-two bytes");
  expect(await translator.outbound(forged)).toBe(forged);
});

test("answers are translated in bodies and in redirects, and nothing else in them", async () => {
  const token = await inner();
  const body = await translateAnswer(
    Response.json({ access_token: token, refresh_token: "r", user: { id: 1 } }),
    translator,
  );
  const session: unknown = await body.json();
  expect(session).toMatchObject({
    refresh_token: "r",
    user: { id: 1 },
    access_token: expect.not.stringContaining(token),
  });
  const redirect = new Response(null, {
    status: 303,
    headers: { location: `http://app/#access_token=${token}&type=signup` },
  });
  const location = new URL((await translateAnswer(redirect, translator)).headers.get("location") ?? "");
  const fragment = new URLSearchParams(location.hash.slice(1));
  expect(fragment.get("type")).toBe("signup");
  expect(decodeJwt(fragment.get("access_token") ?? "")).toMatchObject({ iss: issuer });
  const error = await translateAnswer(Response.json({ msg: "no" }, { status: 400 }), translator);
  expect([error.status, await error.json()]).toEqual([400, { msg: "no" }]);
});
