import { generateKeyPairSync, randomBytes } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { StartError } from "./trouble.ts";

const keysSchema = z.object({
  publishable_key: z.string(),
  secret_key: z.string(),
  /** What @supabase/lite signs its tokens with, inside its own process. */
  jwt_secret: z.string(),
  /** P-256, PKCS #8 PEM: what everybody else sees tokens signed with. */
  signing_key: z.string(),
  postgres_password: z.string(),
});
export type Keys = z.infer<typeof keysSchema>;

/** The keys of this data folder, made at its first start. @throws {StartError} */
export function loadKeys(dataFolder: string): Keys {
  const file = join(dataFolder, "keys.json");
  if (existsSync(file)) {
    try {
      return keysSchema.parse(JSON.parse(readFileSync(file, "utf8")));
    } catch (cause) {
      throw new StartError(
        `The keys in ${file} can't be read: put the file back from a copy, or delete it to have new keys made (users sign in again).`,
        { cause },
      );
    }
  }
  const keys: Keys = {
    publishable_key: `sb_publishable_${token(22)}_${token(8)}`,
    secret_key: `sb_secret_${token(22)}_${token(8)}`,
    jwt_secret: token(48),
    signing_key: generateKeyPairSync("ec", {
      namedCurve: "P-256",
      privateKeyEncoding: { type: "pkcs8", format: "pem" },
      publicKeyEncoding: { type: "spki", format: "pem" },
    }).privateKey,
    postgres_password: token(32),
  };
  writeFileSync(`${file}.new`, `${JSON.stringify(keys, undefined, 2)}\n`, { mode: 0o600, flush: true });
  renameSync(`${file}.new`, file);
  return keys;
}

function token(length: number): string {
  // Letters and digits only, so that a key stands in URLs and shells as it is.
  let text = "";
  while (text.length < length) {
    text += randomBytes(length).toString("base64url").replaceAll(/[-_]/g, "");
  }
  return text.slice(0, length);
}
