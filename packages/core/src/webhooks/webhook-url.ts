import { isIP } from "node:net";
import { AppError } from "@genq/contract";
import { type AddressPolicy, isAllowedAddress } from "./address-policy.ts";
import { type ResolveName, resolveName } from "./resolve-name.ts";

/** Below it, ports belong to mail, remote shells and the like; 80 and 443 to the web. */
const firstFreePort = 1024;
/** Names that mean a place inside wherever they are asked (RFC 6761, RFC 6762, and .internal, reserved by ICANN). */
const insideNames = /(^|\.)(localhost|local|internal|home\.arpa)\.?$/;
const lookupMs = 2000;

/**
 * Reads the URL of a webhook, as far as that goes without asking for its name. What it leads to is checked again at
 * each connection.
 * @throws AppError webhook_url_refused
 */
export function readWebhookUrl(policy: AddressPolicy, text: string): URL {
  const url = new URL(text);
  const host = hostOf(url);
  const inside = policy.allowedNetworks.length > 0;
  if (url.username !== "" || url.password !== "") {
    throw refused("It has a user or a password in it. Verify the signature instead.");
  }
  if (url.protocol !== "https:" && !inside) throw refused("It must begin with https://.");
  if (url.port !== "" && url.port !== "80" && Number(url.port) < firstFreePort) {
    throw refused(`Its port must be 443, 80, or ${firstFreePort} and above.`);
  }
  const allowed =
    isIP(host) === 0 ? inside || !insideNames.test(host) : isAllowedAddress(policy, host, url.protocol);
  if (!allowed) throw refused("It leads to an address that is not public.");
  return url;
}

/**
 * Also asks where the name leads now, to tell early. A name that can't be resolved passes: DNS may be away.
 * @throws AppError webhook_url_refused
 */
export async function checkWebhookUrl(
  policy: AddressPolicy,
  text: string,
  resolve: ResolveName = resolveName,
): Promise<void> {
  const url = readWebhookUrl(policy, text);
  if (isIP(hostOf(url)) !== 0) return;
  const late = new Promise<string[]>((done) => setTimeout(done, lookupMs, []).unref());
  const addresses = await Promise.race([resolve(url.hostname).catch(() => []), late]);
  if (addresses.length > 0 && !addresses.some((one) => isAllowedAddress(policy, one, url.protocol))) {
    throw refused("Its name leads to an address that is not public.");
  }
}

/** The host without the brackets of an IPv6 address. WHATWG's parser has written every form of an IPv4 address as four parts. */
function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, "");
}

function refused(detail: string): AppError {
  return new AppError("webhook_url_refused", `No webhook can be sent to this URL. ${detail}`);
}
