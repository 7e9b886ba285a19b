import { networkInterfaces } from "node:os";
import ipaddr from "ipaddr.js";

type Address = ipaddr.IPv4 | ipaddr.IPv6;
/** A CIDR block, parsed. */
export type Network = [Address, number];

/** Which addresses webhooks may be sent to. */
export interface AddressPolicy {
  /** Blocks inside that the operator allows, also for plain http. */
  allowedNetworks: readonly Network[];
  /** Addresses of this machine, which a packet from here reaches behind its firewall. */
  ownAddresses: () => readonly string[];
}

/** What IANA gives out as public, but clouds answer themselves: Azure's wire server. */
const platformAddresses = new Set(["168.63.129.16"]);
const globalUnicast = ipaddr.parseCIDR("2000::/3");

export function addressPolicy(allowedNetworks: readonly Network[]): AddressPolicy {
  return {
    allowedNetworks,
    ownAddresses: () =>
      Object.values(networkInterfaces()).flatMap((addresses) => addresses?.map((one) => one.address) ?? []),
  };
}

/** Reads `10.1.0.0/16,fd00::/8`. @throws Error for what is no CIDR block */
export function parseNetworks(text: string): Network[] {
  return text
    .split(",")
    .map((block) => block.trim())
    .filter((block) => block !== "")
    .map((block) => ipaddr.parseCIDR(block));
}

/**
 * Whether a connection to this address may be made: a public unicast one over https, or one that the operator allows.
 * An address that carries another one (mapped, 6to4, NAT64, Teredo) is not public, whatever it carries.
 */
export function isAllowedAddress(policy: AddressPolicy, text: string, protocol: string): boolean {
  if (!ipaddr.isValid(text)) return false;
  const address = ipaddr.parse(text);
  if (policy.allowedNetworks.some((network) => isInside(address, network))) return true;
  return protocol === "https:" && isPublic(address) && !isOwn(policy, address);
}

function isPublic(address: Address): boolean {
  if (address.range() !== "unicast" || platformAddresses.has(address.toString())) return false;
  return address.kind() === "ipv4" || isInside(address, globalUnicast);
}

function isOwn(policy: AddressPolicy, address: Address): boolean {
  return policy
    .ownAddresses()
    .some((own) => ipaddr.isValid(own) && ipaddr.parse(own).toString() === address.toString());
}

function isInside(address: Address, network: Network): boolean {
  return address.kind() === network[0].kind() && address.match(network);
}
