import { AppError } from "@genq/contract";
import { describe, expect, it } from "vitest";
import { addressPolicy, isAllowedAddress, parseNetworks } from "./address-policy.ts";
import { checkWebhookUrl, readWebhookUrl } from "./webhook-url.ts";

const nowhereInside = { ...addressPolicy([]), ownAddresses: () => ["203.0.114.7", "2606:4700::7"] };
const loopback = addressPolicy(parseNetworks("127.0.0.0/8, fd12::/16"));

const refusedAddresses: [string, string][] = [
  ["0.0.0.0", "this machine"],
  ["0.1.2.3", "this network"],
  ["10.0.0.1", "private"],
  ["100.64.0.1", "carrier-grade NAT"],
  ["100.100.100.200", "a cloud's metadata"],
  ["127.0.0.1", "loopback"],
  ["127.255.255.254", "loopback"],
  ["168.63.129.16", "a cloud's wire server"],
  ["169.254.169.254", "metadata"],
  ["172.16.0.1", "private"],
  ["172.31.255.255", "private"],
  ["192.0.0.192", "a cloud's metadata"],
  ["192.0.2.1", "documentation"],
  ["192.88.99.1", "6to4 relay"],
  ["192.168.1.1", "private"],
  ["198.18.0.1", "benchmarks"],
  ["198.51.100.1", "documentation"],
  ["203.0.113.1", "documentation"],
  ["203.0.114.7", "an address of this machine"],
  ["224.0.0.1", "multicast"],
  ["240.0.0.1", "reserved"],
  ["255.255.255.255", "broadcast"],
  ["::", "this machine"],
  ["::1", "loopback"],
  ["::7f00:1", "an IPv4 address in an old form"],
  ["::ffff:127.0.0.1", "loopback, mapped"],
  ["::ffff:8.8.8.8", "public, mapped"],
  ["::ffff:0:7f00:1", "loopback, translated"],
  ["64:ff9b::7f00:1", "loopback behind NAT64"],
  ["64:ff9b:1::7f00:1", "loopback behind a local NAT64"],
  ["100::1", "discarded"],
  ["2001::7f00:1", "Teredo"],
  ["2001:db8::1", "documentation"],
  ["2002:7f00:1::", "loopback in 6to4"],
  ["2606:4700::7", "an address of this machine"],
  ["3fff::1", "documentation"],
  ["4000::1", "not given out"],
  ["5f00::1", "segment routing"],
  ["fc00::1", "unique local"],
  ["fd00:ec2::254", "metadata"],
  ["fe80::1", "link-local"],
  ["fe80::1%eth0", "link-local with a zone"],
  ["fec0::1", "site-local"],
  ["ff02::1", "multicast"],
  ["example.com", "no address"],
];

describe("addresses", () => {
  it.each(refusedAddresses)("%s is refused: %s", (address) => {
    expect(isAllowedAddress(nowhereInside, address, "https:")).toBe(false);
  });

  it.each(["1.1.1.1", "93.184.215.14", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450::1"])(
    "%s is public",
    (address) => {
      expect(isAllowedAddress(nowhereInside, address, "https:")).toBe(true);
      expect(isAllowedAddress(nowhereInside, address, "http:")).toBe(false);
    },
  );

  it("inside are allowed when the operator says so, and no others with them", () => {
    for (const address of ["127.0.0.1", "127.9.9.9", "fd12::1"]) {
      expect(isAllowedAddress(loopback, address, "http:")).toBe(true);
    }
    for (const address of ["::1", "::ffff:127.0.0.1", "10.0.0.1", "169.254.169.254", "fd13::1"]) {
      expect(isAllowedAddress(loopback, address, "https:")).toBe(false);
    }
  });

  it.each(["127.0.0.1", "10.0.0.0/33", "inside", "10.0.0.0/8;127.0.0.0/8"])(
    "%s is no list of blocks",
    (text) => {
      expect(() => parseNetworks(text)).toThrow();
    },
  );
});

const refusedUrls = [
  "http://93.184.215.14/",
  "https://user@93.184.215.14/",
  "https://:password@93.184.215.14/",
  "https://93.184.215.14:22/",
  "https://93.184.215.14:1023/",
  "https://localhost/",
  "https://LOCALHOST./",
  "https://a.localhost/",
  "https://printer.local/",
  "https://metadata.google.internal/",
  "https://router.home.arpa/",
  "https://127.0.0.1/",
  "https://127.1/",
  "https://127.0.1/",
  "https://2130706433/",
  "https://0177.0.0.1/",
  "https://017700000001/",
  "https://0x7f.0.0.1/",
  "https://0x7f000001/",
  "https://①②⑦.0.0.1/",
  "https://127。0。0。1/",
  "https://0/",
  "https://0xa9fea9fe/",
  "https://2852039166/",
  "https://169.254.169.254./",
  "https://[::]/",
  "https://[::1]/",
  "https://[::ffff:127.0.0.1]/",
  "https://[::ffff:7f00:1]/",
  "https://[0:0:0:0:0:ffff:a9fe:a9fe]/",
  "https://[fd00:ec2::254]/",
];

describe("URLs", () => {
  const codeOf = (work: () => unknown) => {
    try {
      work();
    } catch (error) {
      return error instanceof AppError ? error.code : error;
    }
    return "taken";
  };

  it.each(refusedUrls)("%s is refused", (url) => {
    expect(codeOf(() => readWebhookUrl(nowhereInside, url))).toBe("webhook_url_refused");
  });

  it.each([
    "https://example.com/a?b#c",
    "https://example.com:8443/",
    "https://example.com:80/",
    "https://1.1.1.1/",
  ])("%s is taken", (url) => {
    expect(codeOf(() => readWebhookUrl(nowhereInside, url))).toBe("taken");
  });

  it("to a network that the operator allows are taken, also without TLS", () => {
    expect(codeOf(() => readWebhookUrl(loopback, "http://127.0.0.1:9000/"))).toBe("taken");
    expect(codeOf(() => readWebhookUrl(loopback, "http://receiver.internal/"))).toBe("taken");
    expect(codeOf(() => readWebhookUrl(loopback, "https://10.0.0.1/"))).toBe("webhook_url_refused");
  });

  it("whose name leads inside now are refused early, and one that can't be resolved passes", async () => {
    const check = (answer: Promise<string[]>) =>
      checkWebhookUrl(nowhereInside, "https://example.com/", () => answer);
    await expect(check(Promise.resolve(["10.0.0.1", "::1"]))).rejects.toMatchObject({
      code: "webhook_url_refused",
    });
    await check(Promise.resolve(["10.0.0.1", "1.1.1.1"]));
    await check(Promise.reject(new Error("DNS is away")));
  });
});
