import { AppError } from "@genq/contract";
import { decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from "jose";
import { LRUCache } from "lru-cache";
import { z } from "zod";
import { createKeySet } from "./key-set.ts";

/**
 * Who a token speaks for.
 * @throws AppError unauthorized with what is wrong, forbidden for a service key, auth_unavailable
 */
export type VerifyToken = (token: string) => Promise<{ userId: string }>;

export interface VerifyTokenOptions {
  supabaseUrl: string;
  /** The URL that browsers know Supabase by; tokens may name either as their issuer. */
  supabasePublicUrl: string;
  /** The shared secret of projects that still sign with HS256. Without it such tokens are refused. */
  jwtSecret?: string | undefined;
  onError?: (error: unknown) => void;
}

const publicKeyAlgorithms = ["ES256", "RS256", "EdDSA"];
const longestTokenCharacters = 8192;
/** A verified token is trusted this long without verifying it again, and never past its `exp`. */
const rememberedMs = 60_000;
const rememberedTokens = 10_000;

const userIdSchema = z.guid();

export function createTokenVerifier(options: VerifyTokenOptions): VerifyToken {
  const keySet = createKeySet({
    url: `${options.supabaseUrl}/auth/v1/.well-known/jwks.json`,
    ...(options.onError === undefined ? {} : { onError: options.onError }),
  });
  const issuers = [options.supabaseUrl, options.supabasePublicUrl].map((url) => `${url}/auth/v1`);
  const secret = options.jwtSecret === undefined ? undefined : new TextEncoder().encode(options.jwtSecret);
  // By the wall clock, as `exp` is: a machine that slept must not trust a token for longer.
  const verified = new LRUCache<string, { userId: string }>({
    max: rememberedTokens,
    perf: { now: () => Date.now() },
    ttlResolution: 0,
  });

  return async (token) => {
    const known = verified.get(token);
    if (known !== undefined) return known;
    const payload = await verifySignature(token, secret, keySet);
    const user = { userId: readUserId(payload, issuers) };
    const ttl = Math.min(rememberedMs, (payload.exp ?? 0) * 1000 - Date.now());
    if (ttl > 0) verified.set(token, user, { ttl });
    return user;
  };
}

/** The header's `alg` picks the kind of key and never the key: a public key is not taken for a secret. */
async function verifySignature(
  token: string,
  secret: Uint8Array | undefined,
  keySet: ReturnType<typeof createKeySet>,
): Promise<JWTPayload> {
  if (token.length > longestTokenCharacters) throw refuse("The token is too long.");
  const algorithm = readAlgorithm(token);
  const checks = { requiredClaims: ["exp"] };
  try {
    if (algorithm === "HS256") {
      if (secret === undefined) throw refuse("Tokens signed with HS256 are not accepted here.");
      return (await jwtVerify(token, secret, { ...checks, algorithms: ["HS256"] })).payload;
    }
    if (!publicKeyAlgorithms.includes(algorithm)) {
      throw refuse("The token's algorithm is not one of ES256, RS256, EdDSA.");
    }
    return (await jwtVerify(token, keySet, { ...checks, algorithms: publicKeyAlgorithms })).payload;
  } catch (error) {
    throw toRefusal(error);
  }
}

function readAlgorithm(token: string): string {
  if (/^sb_(publishable|secret)_/.test(token)) {
    throw refuse("This is an API key and no user's access token. Sign in with Supabase Auth first.");
  }
  try {
    return decodeProtectedHeader(token).alg ?? "";
  } catch (error) {
    throw refuse("The token is not a JWT.", error);
  }
}

function readUserId(payload: JWTPayload, issuers: string[]): string {
  const role = payload["role"];
  if (role === "service_role") {
    throw new AppError("forbidden", "A service key acts for no user. Use the access token of a user.");
  }
  if (role === "anon")
    throw refuse("The anonymous key is no user's token. Sign in with Supabase Auth first.");
  if (role !== "authenticated") throw refuse('The token\'s "role" is not "authenticated".');
  if (!issuers.includes(payload.iss ?? "")) {
    throw refuse('The token\'s "iss" is not this Supabase project.');
  }
  if (![payload.aud].flat().includes("authenticated")) {
    throw refuse('The token\'s "aud" is not "authenticated".');
  }
  const userId = userIdSchema.safeParse(payload.sub);
  if (!userId.success) throw refuse("The token's \"sub\" is not a user's id.");
  return userId.data.toLowerCase();
}

function refuse(detail: string, cause?: unknown): AppError {
  return new AppError("unauthorized", detail, { cause });
}

/** jose's errors by their class; what is no fault of the token stays what it is. */
function toRefusal(error: unknown): unknown {
  if (error instanceof errors.JWTExpired) return refuse("The token has expired. Refresh the session.", error);
  if (error instanceof errors.JWTClaimValidationFailed) {
    return refuse(`The token's "${error.claim}" is missing or not valid.`, error);
  }
  if (error instanceof errors.JWKSNoMatchingKey) {
    return refuse("The token was signed with a key that this Supabase project does not publish.", error);
  }
  if (error instanceof errors.JOSEError) return refuse("The token's signature or form is not valid.", error);
  return error;
}
