import type { Guard } from "./guard.ts";

const tests = "packages/core/src/webhooks/webhooks.int.test.ts";
const refused = (url: string) => ({
  file: "apps/api/test/webhooks.int.test.ts",
  name: `URLs that lead inside ${url} is refused for an endpoint, a task and an upload`,
});
const byStatement = "supabase/migrations/20261121230000_work_by_statement.sql";
const url = "packages/core/src/webhooks/webhook-url.ts";
const sender = "packages/core/src/webhooks/send-webhook.ts";
const sent = "packages/core/src/webhooks/send-webhook.int.test.ts";
const deliveries = "packages/core/src/db/webhook-deliveries.ts";
const fence = "packages/core/src/webhooks/fence.int.test.ts";
const policy = "packages/core/src/webhooks/address-policy.ts";

/** Each end of a task is told, and no receiver lies inside. */
export const webhookGuards: Guard[] = [
  {
    name: "webhook-outbox",
    protects: "A task ends and nobody is told.",
    edits: [
      {
        file: byStatement,
        find: "to_status in ('completed', 'failed', 'canceled', 'expired') and from_status <> to_status)",
        replace: "to_status in ('completed', 'failed') and from_status <> to_status)",
      },
    ],
    test: {
      file: tests,
      name: "events tells of every end of a task, once, and the reference verifier accepts it",
    },
  },
  {
    name: "webhook-inside-address",
    protects: "A webhook to the metadata address is accepted.",
    edits: [
      {
        file: policy,
        find: `if (address.range() !== "unicast" ||`,
        replace: `if (address.range() === "loopback" ||`,
      },
    ],
    test: refused("https://169.254.169.254/latest/meta-data/"),
  },
  {
    name: "webhook-inside-name",
    protects: "A webhook to localhost is accepted.",
    edits: [{ file: url, find: "inside || !insideNames.test(host)", replace: 'host !== ""' }],
    test: refused("https://metadata.google.internal/"),
  },
  {
    name: "webhook-https",
    protects: "Events are sent in the clear.",
    edits: [
      { file: url, find: `url.protocol !== "https:" && !inside`, replace: `url.protocol === "" && !inside` },
    ],
    test: refused("http://example.com/"),
  },
  {
    name: "webhook-user-in-url",
    protects: "A password is stored in a URL.",
    edits: [
      { file: url, find: `url.username !== "" || url.password !== ""`, replace: 'url.protocol === ""' },
    ],
    test: refused("https://user:password@example.com/"),
  },
  {
    name: "webhook-address-at-connect",
    protects: "A name that leads inside on the second look-up is connected to.",
    edits: [
      {
        file: sender,
        find: "addresses.filter((address) => isAllowedAddress(policy, address, protocol))",
        replace: "addresses.filter((address) => isAllowedAddress(policy, address, protocol) || policy)",
      },
    ],
    test: {
      file: sent,
      name: "an address inside to which a name leads on the second look-up is not connected to",
    },
  },
  {
    name: "webhook-literal-at-connect",
    protects: "An address in the URL is connected to without a look at it.",
    edits: [
      {
        file: sender,
        find: "const literal = isIP(target.hostname) !== 0;",
        replace: "const literal = false;",
      },
    ],
    test: { file: sent, name: "an address inside written as 127.0.0.1 is not connected to" },
  },
  {
    name: "webhook-no-redirect",
    protects: "A receiver sends us inside by a redirect.",
    edits: [
      {
        file: sender,
        find: `import { Agent, buildConnector, request } from "undici";`,
        replace: `import { Agent, buildConnector, interceptors, request } from "undici";`,
      },
      {
        file: sender,
        find: "    const answer = await request(url, {\n      dispatcher,",
        replace:
          "    const answer = await request(url, {\n      dispatcher: dispatcher.compose(interceptors.redirect({ maxRedirections: 3 })),",
      },
    ],
    test: { file: sent, name: "an address inside to which a receiver redirects is not asked" },
  },
  {
    name: "webhook-own-connection",
    protects: "A connection that was checked for one name is used for another.",
    edits: [{ file: sender, find: "pipelining: 0", replace: "pipelining: 1" }],
    test: {
      file: sent,
      name: "a receiver gets one POST with the body and the headers, on a connection of its own",
    },
  },
  {
    name: "webhook-fence",
    protects: "A late report of a dispatcher that went away ends a delivery that another one makes.",
    edits: [
      {
        file: deliveries,
        find: `and attempt = \${delivery.attempt} and status = 'pending'`,
        replace: "and status = 'pending'",
      },
    ],
    test: {
      file: fence,
      name: "a dispatcher's late report does not end a delivery that another one is at",
    },
  },
  {
    name: "webhook-gone-fence",
    protects: "A late 410 of a dispatcher that went away switches the endpoint off.",
    edits: [
      {
        file: deliveries,
        find: 'ended.length > 0 && verdict.status === "dead"',
        replace: 'ended.length >= 0 && verdict.status === "dead"',
      },
    ],
    test: { file: fence, name: "a dispatcher's late 410 does not switch the endpoint off" },
  },
  {
    name: "webhook-gone-url",
    protects: "The 410 of an endpoint's old URL switches it off at its new one.",
    edits: [{ file: deliveries, find: ` and enabled and url = \${delivery.url}`, replace: " and enabled" }],
    test: { file: fence, name: "a 410 of the URL before does not switch the endpoint off" },
  },
  {
    name: "webhook-test-once",
    protects: "A test of an endpoint is tried again for three days.",
    edits: [
      {
        file: "packages/core/src/webhooks/dispatch-webhooks.ts",
        find: " || delivery.type === webhookTestType",
        replace: "",
      },
    ],
    test: {
      file: "packages/core/src/webhooks/deliveries.int.test.ts",
      name: "the test of an endpoint is not tried again when it fails",
    },
  },
];
