import { isIP, type LookupFunction } from "node:net";
import { type WebhookError, webhookLimits } from "@genq/contract";
import { Agent, buildConnector, request } from "undici";
import { type AddressPolicy, isAllowedAddress } from "./address-policy.ts";
import { type ResolveName, resolveName } from "./resolve-name.ts";

/** What came of one attempt: an answer, or why there was none. */
export interface SendOutcome {
  statusCode: number | null;
  error: WebhookError | null;
  /** How the answer begins. */
  response: string | null;
  retryAfterSeconds: number | null;
  ms: number;
}

export interface WebhookSender {
  /** Posts a body once: no redirect is followed and no proxy asked. Never rejects. */
  send(
    message: { url: string; headers: Record<string, string>; body: string },
    signal?: AbortSignal,
  ): Promise<SendOutcome>;
  close(): Promise<void>;
}

export interface SenderOptions {
  policy: AddressPolicy;
  resolve?: ResolveName;
  /** For one attempt, from the name's lookup to the end of the answer. Default 10,000. */
  timeoutMs?: number;
  /** Certificates to trust, in PEM, instead of the built-in ones. */
  ca?: string;
}

/** Of an answer, no more is read. */
const answerBytes = 64 * 1024;
const connectMs = 5000;

export function createWebhookSender(options: SenderOptions): WebhookSender {
  const timeoutMs = options.timeoutMs ?? 10_000;
  const agent = new Agent({
    // A connection for each attempt: what was checked is what is sent to.
    pipelining: 0,
    connect: guardedConnector(options),
    // One deadline for all of an attempt, by its signal.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  return {
    send: async ({ url, headers, body }, signal) => {
      const startedAt = performance.now();
      const deadline = AbortSignal.timeout(timeoutMs);
      const outcome = await attempt(
        url,
        { headers, body },
        agent,
        AbortSignal.any(signal ? [deadline, signal] : [deadline]),
      );
      return { ...outcome, ms: Math.round(performance.now() - startedAt) };
    },
    close: () => agent.destroy(),
  };
}

async function attempt(
  url: string,
  { headers, body }: { headers: Record<string, string>; body: string },
  dispatcher: Agent,
  signal: AbortSignal,
): Promise<Omit<SendOutcome, "ms">> {
  try {
    const answer = await request(url, {
      dispatcher,
      method: "POST",
      headers: { ...headers, "content-type": "application/json", "user-agent": "genq-webhooks/1" },
      body,
      signal,
    });
    return {
      statusCode: answer.statusCode,
      error: null,
      response: await readStart(answer.body),
      retryAfterSeconds: readRetryAfter(answer.headers["retry-after"]),
    };
  } catch (error) {
    return { statusCode: null, error: nameError(error), response: null, retryAfterSeconds: null };
  }
}

/** The answer was its status: a body that breaks off, or goes on for too long, changes nothing about it. */
async function readStart(body: AsyncIterable<Buffer> & { destroy(): unknown }): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of body) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes >= answerBytes) break;
    }
  } catch {
    // Told by what came of it.
  } finally {
    body.destroy();
  }
  const text = Buffer.concat(chunks).toString("utf8").replaceAll("\0", "\ufffd");
  return text.slice(0, webhookLimits.responseCharacters).toWellFormed();
}

function readRetryAfter(header: string | string[] | undefined): number | null {
  const text = String(header ?? "");
  if (/^\d{1,9}$/.test(text)) return Number(text);
  const at = Date.parse(text);
  return Number.isNaN(at) ? null : Math.max(0, (at - Date.now()) / 1000);
}

/** An address that no webhook may go to. */
class AddressRefusedError extends Error {
  readonly code = "ADDRESS_REFUSED";
}

/**
 * Connects only to addresses that the policy allows. The check is made on the very addresses that are connected to: a
 * name that leads elsewhere by now is refused now, and an address in the URL is checked without a lookup.
 */
function guardedConnector({ policy, resolve = resolveName, ca }: SenderOptions): buildConnector.connector {
  const connectorFor = (protocol: string) => {
    const lookup: LookupFunction = (name, _options, done) => {
      resolve(name).then(
        (addresses) => {
          const allowed = addresses.filter((address) => isAllowedAddress(policy, address, protocol));
          if (allowed.length === 0) return done(new AddressRefusedError(), []);
          done(
            null,
            allowed.map((address) => ({ address, family: isIP(address) })),
          );
        },
        (error: Error) => done(error, []),
      );
    };
    return buildConnector({
      lookup,
      timeout: connectMs,
      allowH2: false,
      autoSelectFamily: true,
      ...(ca === undefined ? {} : { ca }),
    });
  };
  const connectors = { "https:": connectorFor("https:"), "http:": connectorFor("http:") };
  return (target, done) => {
    const protocol = target.protocol === "http:" ? "http:" : "https:";
    const literal = isIP(target.hostname) !== 0;
    if (literal && !isAllowedAddress(policy, target.hostname, protocol))
      return done(new AddressRefusedError(), null);
    connectors[protocol](target, done);
  };
}

function nameError(error: unknown): WebhookError {
  const { name, code } =
    error instanceof Error ? { code: "", ...error, name: error.name } : { name: "", code: "" };
  if (code === "ADDRESS_REFUSED") return "address_refused";
  if (name === "TimeoutError" || name === "AbortError" || /TIMEOUT|ETIMEDOUT/.test(code)) return "timed_out";
  if (/^(ENOTFOUND|ENODATA|ESERVFAIL|EREFUSED|EAI_|EBADNAME)/.test(code)) return "name_not_resolved";
  if (/^(ERR_TLS|ERR_SSL|CERT_|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO)/.test(code)) return "tls_failed";
  if (/^(ECONN|EHOST|ENET|EPIPE|EADDR|UND_ERR_SOCKET)/.test(code)) return "connection_failed";
  return "request_failed";
}
