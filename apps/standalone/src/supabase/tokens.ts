import { createPublicKey, type KeyObject } from "node:crypto";
import {
  calculateJwkThumbprint,
  exportJWK,
  importPKCS8,
  type JWK,
  type JWTPayload,
  jwtVerify,
  SignJWT,
} from "jose";
import { z } from "zod";

/*
 * @supabase/lite signs its tokens with a shared secret (HS256) and publishes no keys. Hosted Supabase signs with ES256
 * and publishes them, so the tokens are signed anew on their way out and turned back on their way in: the api and
 * users' own code meet the same tokens in both editions, and the secret stays in this process.
 */
export interface TokenTranslator {
  /** The key set that others verify tokens with. */
  readonly keySet: { keys: JWK[] };
  /** An ES256 token for a HS256 token of @supabase/lite; other text comes back as it is. */
  outbound(token: string): Promise<string>;
  /** The reverse. A token that is not ours, or has expired, comes back as it is, for @supabase/lite to refuse. */
  inbound(token: string): Promise<string>;
}

export async function createTokenTranslator(options: {
  readonly secret: string;
  /** PKCS #8 PEM of a P-256 key. */
  readonly privateKey: string;
  readonly issuer: string;
}): Promise<TokenTranslator> {
  const secret = new TextEncoder().encode(options.secret);
  const privateKey = await importPKCS8(options.privateKey, "ES256");
  const publicKey: KeyObject = createPublicKey(options.privateKey);
  const publicJwk = await exportJWK(publicKey);
  const kid = await calculateJwkThumbprint(publicJwk);

  const exchange = async (
    token: string,
    verify: () => Promise<JWTPayload>,
    sign: (it: SignJWT) => Promise<string>,
  ) => {
    let payload: JWTPayload;
    try {
      payload = await verify();
    } catch {
      return token;
    }
    return sign(new SignJWT(payload));
  };
  return {
    keySet: { keys: [{ ...publicJwk, kid, use: "sig", alg: "ES256", key_ops: ["verify"] }] },
    outbound: (token) =>
      exchange(
        token,
        async () => (await jwtVerify(token, secret, { algorithms: ["HS256"] })).payload,
        (it) =>
          it.setIssuer(options.issuer).setProtectedHeader({ alg: "ES256", kid, typ: "JWT" }).sign(privateKey),
      ),
    inbound: (token) =>
      exchange(
        token,
        async () =>
          (await jwtVerify(token, publicKey, { algorithms: ["ES256"], issuer: options.issuer })).payload,
        (it) => it.setProtectedHeader({ alg: "HS256", typ: "JWT" }).sign(secret),
      ),
  };
}

const sessionSchema = z.looseObject({ access_token: z.string() });

/** Signs the access token in an answer of /auth/v1 anew, in a JSON body or in the fragment of a redirect. */
export async function translateAnswer(response: Response, translator: TokenTranslator): Promise<Response> {
  const location = response.headers.get("location");
  if (location?.includes("access_token=")) {
    const url = new URL(location);
    const fragment = new URLSearchParams(url.hash.slice(1));
    fragment.set("access_token", await translator.outbound(fragment.get("access_token") ?? ""));
    url.hash = fragment.toString();
    const headers = new Headers(response.headers);
    headers.set("location", url.href);
    return new Response(response.body, { status: response.status, headers });
  }
  if (!response.headers.get("content-type")?.includes("json")) {
    return response;
  }
  const text = await response.text();
  const headers = new Headers(response.headers);
  headers.delete("content-length");
  const session = text.includes('"access_token"') ? sessionSchema.safeParse(JSON.parse(text)) : undefined;
  const body = session?.success
    ? JSON.stringify({ ...session.data, access_token: await translator.outbound(session.data.access_token) })
    : text;
  return new Response(response.status === 204 ? null : body, { status: response.status, headers });
}
