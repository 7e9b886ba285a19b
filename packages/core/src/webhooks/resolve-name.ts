import { Resolver } from "node:dns/promises";

/** All addresses of a name. @throws Error with a `code` when there are none */
export type ResolveName = (name: string) => Promise<string[]>;

/**
 * Asks DNS directly: `dns.lookup` would take a thread for as long as a server of the receiver's choice keeps silent,
 * and Node has four.
 */
export const resolveName: ResolveName = async (name) => {
  const resolver = new Resolver({ timeout: 1500, tries: 2 });
  const [v4, v6] = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
  const addresses = [v4, v6].flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
  if (addresses.length === 0 && v4.status === "rejected") throw v4.reason;
  return addresses;
};
