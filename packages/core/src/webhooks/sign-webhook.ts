import { createHmac, randomBytes } from "node:crypto";

const prefix = "whsec_";

/** A new signing secret as Standard Webhooks writes it: 32 random bytes. */
export function createWebhookSecret(): string {
  return prefix + randomBytes(32).toString("base64");
}

export interface WebhookMessage {
  id: string;
  /** Seconds since 1970 of this attempt. */
  timestamp: number;
  body: string;
}

/** The headers of Standard Webhooks, with one signature for each secret that is valid now. */
export function signWebhook(secrets: readonly string[], { id, timestamp, body }: WebhookMessage) {
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.slice(prefix.length), "base64");
    return `v1,${createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64")}`;
  });
  return {
    "webhook-id": id,
    "webhook-timestamp": String(timestamp),
    "webhook-signature": signatures.join(" "),
  };
}
