import { createHmac, timingSafeEqual } from "node:crypto";

export interface WebhookHeaders {
  id: string;
  timestamp: string;
  signature: string;
}

/** What a receiver forgives a sender's clock. */
const toleranceSeconds = 300;

/** Whether one of the signatures is of this secret: Standard Webhooks, `v1`. */
export function isSigned(
  secret: string,
  { id, timestamp, signature }: WebhookHeaders,
  body: string,
): boolean {
  if (!(Math.abs(Date.now() / 1000 - Number(timestamp)) <= toleranceSeconds)) return false;
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const expected = createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest();
  return signature.split(" ").some((one) => {
    const given = Buffer.from(one.replace(/^v1,/, ""), "base64");
    return given.length === expected.length && timingSafeEqual(given, expected);
  });
}
