import type { Guard } from "./guard.ts";

const watch = "apps/standalone/src/postgres/silence-watch.ts";
const gateway = "apps/standalone/src/postgres/gateway.ts";
const gatewayTest = "apps/standalone/src/postgres/gateway.int.test.ts";
const circuit = "packages/core/src/queue/circuit.ts";
const circuitTest = "packages/core/src/queue/circuit.test.ts";

/** A part that is away, silent or going down holds nobody up. */
export const outageGuards: Guard[] = [
  {
    name: "ring-worker-starts-anew",
    protects:
      "A worker that started while the Postgres queue was away burns a processor for good and hears no ring.",
    edits: [
      {
        file: "packages/core/src/queue/ring-worker.ts",
        find: "await worker.waitUntilReady();",
        replace: "await worker.waitUntilReady().catch(() => undefined);",
      },
    ],
    test: {
      file: "packages/core/src/queue/outages.int.test.ts",
      name: "a worker that starts while the queue is away (refuse) answers rings once it is back, and keeps still until then",
    },
    embedded: true,
  },
  {
    name: "queue-connection-is-heard",
    protects: "Postgres that ends while BullMQ starts on it ends the worker or the api.",
    edits: [
      {
        file: "packages/core/src/queue/connection.ts",
        find: 'pool.on("connect", (client) => client.on("error", () => undefined));',
        replace: "",
      },
    ],
    test: {
      file: "packages/core/src/queue/connection.int.test.ts",
      name: "a connection of the queue's pool that ends while it is held fails its query, not the process",
    },
  },
  {
    name: "silent-owner-ends",
    protects: "One stopped client keeps the embedded Postgres for good.",
    edits: [{ file: watch, find: "if (left > 0) {", replace: "if (left > -600_000) {" }],
    test: {
      file: gatewayTest,
      name: "what others send does not prolong the time that a transaction is left alone",
    },
  },
  {
    name: "silent-siblings-are-short",
    protects: "Each connection of a stopped process holds up the others as long as the first.",
    edits: [
      {
        file: watch,
        find: "? this.#limits.againMs : this.#limits.idleMs",
        replace: "? this.#limits.idleMs : this.#limits.idleMs",
      },
    ],
    test: {
      file: gatewayTest,
      name: "all connections of a process that is stopped hold up the others for little longer than one",
    },
  },
  {
    name: "ended-session-ends-process",
    protects:
      "The embedded Postgres hangs for good once its session has ended: after a sleep of the machine, say.",
    edits: [
      { file: "apps/standalone/src/postgres/session.ts", find: "onFatal(fatal);", replace: "void onFatal;" },
    ],
    test: {
      file: "apps/standalone/src/postgres/fatal.int.test.ts",
      name: "a session that Postgres ends takes the process along, and what was committed is there after",
    },
  },
  {
    name: "no-idle-timeout-where-watched",
    protects: "A sleep of the machine ends the session of the embedded Postgres, and so its process.",
    edits: [
      {
        file: "apps/standalone/src/postgres/engine.ts",
        find: '    "genq.ends_silent_clients=on",\n',
        replace: "",
      },
    ],
    test: {
      file: "packages/core/src/db/database.int.test.ts",
      name: "a server lets go of clients that fall silent; the embedded one does so by its gateway, not by a timeout",
    },
    embedded: true,
  },
  {
    name: "no-query-for-types",
    protects: "A connection that is lost while the driver asks for array types ends the process.",
    edits: [
      {
        file: "packages/core/src/db/database.ts",
        find: "fetch_types: false,",
        replace: "fetch_types: true,",
      },
    ],
    test: {
      file: "packages/core/src/db/outages.int.test.ts",
      name: "a server that goes away as soon as a connection is made costs no more than the transaction",
    },
  },
  {
    name: "slow-sender-is-heard",
    protects: "A client is ended in the middle of what it sends.",
    edits: [{ file: watch, find: "Math.max(since, owner.heardAt)", replace: "since" }],
    test: { file: gatewayTest, name: "a client that still sends is not left alone" },
  },
  {
    name: "deaf-owner-ends",
    protects: "A client that does not read keeps the embedded Postgres.",
    edits: [{ file: gateway, find: "setTimeout(() => owner.socket.destroy(), goodbyeMs);", replace: "" }],
    test: { file: gatewayTest, name: "a client that does not read is ended as well" },
  },
  {
    name: "queue-outage-is-remembered",
    protects: "Each request waits the whole bound for a queue that is away.",
    edits: [{ file: circuit, find: "performance.now() - failedAt < options.pauseMs", replace: "false" }],
    test: {
      file: circuitTest,
      name: "lets one caller wait while the server is away, and all again when it is back",
    },
  },
  {
    name: "dropped-socket-stays-closed",
    protects:
      "A connection that is made after its pool was closed fails with nobody listening, and ends the process.",
    edits: [
      {
        file: "packages/core/src/db/sockets.ts",
        find: "if (!socket.destroyed) socket.connect(address);",
        replace: "socket.connect(address);",
      },
    ],
    test: {
      file: "packages/core/src/db/sockets.test.ts",
      name: "does not connect a socket that was dropped before its turn",
    },
  },
  {
    name: "silent-database-is-let-go",
    protects: "A connection to a Postgres that fell silent is kept for hours.",
    edits: [
      {
        file: "packages/core/src/db/sockets.ts",
        find: "if (bytes > 0 && socket.bytesRead === bytes) socket.destroy();",
        replace: "",
      },
    ],
    test: {
      file: "packages/core/src/db/outages.int.test.ts",
      name: "a connection that falls silent in the middle of a transaction is let go",
    },
  },
  {
    name: "shutdown-asks-to-close",
    protects: "A deploy resets requests that a client has sent.",
    edits: [
      {
        file: "apps/api/src/serve.ts",
        find: 'if (!response.headersSent) response.setHeader("connection", "close");',
        replace: "",
      },
    ],
    test: {
      file: "apps/api/test/shutdown.int.test.ts",
      name: "answers all that its clients send on their connections when it is told to stop under load, and then ends",
    },
  },
  {
    name: "one-attempt-of-a-group",
    protects: "An older attempt that is completed beside its successor is told as a stale writer.",
    edits: [
      {
        file: "packages/core/src/db/claims.ts",
        find: "claim.attempt === latest.get(claim.taskId)",
        replace: "claim.attempt >= 0",
      },
    ],
    test: {
      file: "packages/core/src/db/writer-attempt.int.test.ts",
      name: "two attempts of a task in one group: the later one ends it, and the earlier is no stale writer",
    },
  },
  {
    name: "no-late-commit",
    protects: "A transaction whose connection ended commits half of another one, or ends the process.",
    edits: [
      {
        file: "packages/core/src/db/database.ts",
        find: "        if (running.over) return await new Promise<never>(() => undefined);\n        return { value };",
        replace: "        return { value };",
      },
    ],
    test: {
      file: "packages/core/src/db/database.int.test.ts",
      name: "a transaction whose connection ended commits nothing of the next one on it",
    },
  },
  {
    name: "supabase-outlives-postgres",
    protects: "The process of the embedded Supabase ends when Postgres does.",
    edits: [
      {
        file: "apps/standalone/src/supabase/main.ts",
        find: "Object.assign(connection.driver, { reserve: openConnections(connection.driver, 4) });",
        replace: "void openConnections;",
      },
    ],
    test: {
      file: "apps/standalone/src/supabase/outage.int.test.ts",
      name: "Supabase lives through deaths of Postgres under load, and answers again when it is back",
    },
  },
  {
    name: "away-deaths-do-not-count",
    protects: "The standalone edition ends because Postgres was away for a while.",
    edits: [
      {
        file: "apps/standalone/src/process/service.ts",
        find: "if (needs && !needs.#readyFrom(startedAt)) {",
        replace: 'if (needs?.name === "" && !needs.#readyFrom(startedAt)) {',
      },
    ],
    test: {
      file: "apps/standalone/src/process/service.int.test.ts",
      name: "deaths count only while what the service needs is ready: then it is given up",
    },
  },
];
