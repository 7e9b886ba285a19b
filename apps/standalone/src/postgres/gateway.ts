import { timingSafeEqual } from "node:crypto";
import { createServer, type Server, type Socket } from "node:net";
import { Connection } from "./connection.ts";
import { type Engine, Session } from "./session.ts";
import { type SilenceLimits, SilenceWatch } from "./silence-watch.ts";
import {
  errorResponse,
  type Frame,
  frame,
  maxMessageBytes,
  readText,
  startupParameters,
  sync,
} from "./wire.ts";

/*
 * Many connections on PGlite's one session. pglite-socket interleaves the messages of different clients inside one
 * extended-query cycle (one client's Bind can meet another's unnamed statement), so this gateway gives the session to
 * one client from its first message until ReadyForQuery says "idle": a whole cycle or a whole transaction.
 */

export interface GatewayOptions {
  readonly engine: Engine;
  readonly password: string;
  /** A transaction that its client leaves alone for longer is rolled back: everybody else waits for it. */
  readonly silence: SilenceLimits;
  readonly maxConnections: number;
  /** Who has not given the password by then is let go: silent connections must not take all the places. */
  readonly signInMs: number;
  /** The database can't go on. It must end the process, or what was called would never return (see session.ts). */
  readonly onFailure: (error: unknown) => never;
}

const protocolVersion = 196_608;
const sslRequest = 80_877_103;
const gssRequest = 80_877_104;
/** Sent by every driver, and without a meaning where all connections are one session. */
const ignoredParameters = new Set(["user", "database", "replication", "application_name"]);
/** A client that does not read so much of its answers is not listened to until it does. */
const maxUnreadBytes = 1024 * 1024;
/** How long the reason for its end may take to be written to a client. */
const goodbyeMs = 100;
const discard = (): void => undefined;

export class Gateway {
  readonly #options: GatewayOptions;
  readonly #session: Session;
  readonly #server: Server;
  readonly #connections = new Set<Connection>();
  readonly #greeted = new WeakSet<Connection>();
  /** Connections with a turn to take, in order. */
  #queue: Connection[] = [];
  readonly #leaving: Connection[] = [];
  #owner: Connection | undefined;
  #busy = false;
  readonly #silence: SilenceWatch;
  #greeting = Buffer.alloc(0);
  #nextId = 1;

  constructor(options: GatewayOptions) {
    this.#options = options;
    this.#silence = new SilenceWatch(options.silence, endForSilence);
    this.#session = new Session({
      engine: options.engine,
      onNotification: (channel, bytes) => {
        for (const connection of this.#connections) {
          if (connection.channels.has(channel)) {
            connection.send(bytes);
          }
        }
      },
      onFatal: options.onFailure,
    });
    this.#server = createServer({ noDelay: true }, (socket) => this.#accept(socket));
    this.#server.maxConnections = options.maxConnections;
  }

  /** Resolves the port, which the system picks when 0 is given. */
  async listen(port: number): Promise<number> {
    const parts: Buffer[] = [];
    const version = Buffer.alloc(4);
    version.writeInt32BE(protocolVersion);
    await this.#session.exchange(frame("", version, "user\0postgres\0database\0postgres\0\0"), (bytes) =>
      parts.push(bytes),
    );
    this.#greeting = Buffer.concat(parts);
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, "127.0.0.1", () => resolve());
    });
    const address = this.#server.address();
    return typeof address === "object" && address ? address.port : port;
  }

  /** Ends all connections; an open transaction is rolled back by closing the database. */
  async close(): Promise<void> {
    this.#silence.stop();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const connection of this.#connections) {
      connection.send(errorResponse("FATAL", "57P01", "terminating connection due to administrator command"));
      connection.socket.destroySoon();
    }
    await closed;
  }

  #accept(socket: Socket): void {
    const connection = new Connection(this.#nextId++, socket);
    const late = setTimeout(() => connection.phase !== "ready" && socket.destroy(), this.#options.signInMs);
    socket.on("data", (chunk) => {
      connection.heardAt = performance.now();
      try {
        connection.reader.push(chunk);
        for (let next = this.#read(connection); next; next = this.#read(connection)) {
          this.#receive(connection, next);
        }
        this.#bound(connection);
        this.#advance();
      } catch {
        socket.destroy();
      }
    });
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      clearTimeout(late);
      connection.closed = true;
      if (this.#connections.delete(connection)) {
        this.#queue = this.#queue.filter((other) => other !== connection);
        this.#leaving.push(connection);
        this.#advance();
      }
    });
  }

  /** Keeps what one client makes this process hold within bounds: answers not read, and messages not ready to be run. */
  #bound(connection: Connection): void {
    const { socket } = connection;
    if (connection.heldBytes > maxMessageBytes) {
      connection.send(errorResponse("FATAL", "54000", `more than ${maxMessageBytes} bytes in one turn`));
      socket.destroySoon();
    } else if (socket.writableLength > maxUnreadBytes) {
      socket.pause();
      socket.once("drain", () => socket.resume());
    }
  }

  #read(connection: Connection): Frame | undefined {
    return connection.closed ? undefined : connection.reader.next(connection.phase === "startup");
  }

  #receive(connection: Connection, message: Frame): void {
    if (connection.phase === "startup") {
      this.#startup(connection, message.bytes);
    } else if (connection.phase === "password") {
      this.#checkPassword(connection, message);
    } else if (message.type === "X") {
      connection.socket.end();
    } else {
      const had = connection.waiting;
      connection.accept(message);
      if (!had && connection.waiting && connection !== this.#owner && this.#greeted.has(connection)) {
        this.#queue.push(connection);
      }
    }
  }

  #startup(connection: Connection, bytes: Buffer): void {
    const code = bytes.readInt32BE(4);
    if (code === sslRequest || code === gssRequest) {
      connection.send(Buffer.from("N"));
    } else if (code === protocolVersion) {
      const parameters = startupParameters(bytes);
      connection.application = parameters.get("application_name") ?? "";
      connection.settings = new Map([...parameters].filter(([name]) => !ignoredParameters.has(name)));
      connection.phase = "password";
      connection.send(frame("R", Buffer.from([0, 0, 0, 3])));
    } else {
      // Among others CancelRequest: PGlite has no second process that could be told to cancel.
      connection.socket.end();
    }
  }

  #checkPassword(connection: Connection, message: Frame): void {
    const wanted = Buffer.from(this.#options.password);
    const given = Buffer.from(message.type === "p" ? readText(message.bytes, 5).text : "");
    if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) {
      connection.send(errorResponse("FATAL", "28P01", "password authentication failed"));
      connection.socket.destroySoon();
      return;
    }
    connection.phase = "ready";
    connection.reader.maxBytes = maxMessageBytes;
    this.#connections.add(connection);
    this.#queue.push(connection);
  }

  /** Lets the session work as long as somebody may use it. Only one call runs at a time. */
  #advance(): void {
    if (this.#busy) {
      return;
    }
    this.#busy = true;
    this.#work()
      .catch((error: unknown) => this.#options.onFailure(error))
      .finally(() => {
        this.#busy = false;
      });
  }

  async #work(): Promise<void> {
    for (;;) {
      const owner = this.#owner;
      if (owner?.closed) {
        await this.#abandon();
      } else if (owner) {
        if (!owner.waiting) {
          return;
        }
        await this.#serve(owner);
      } else if (!(await this.#next())) {
        return;
      }
    }
  }

  /** With the session free: tidies up, greets or picks the next owner. False when there is nothing to do. */
  async #next(): Promise<boolean> {
    const leaver = this.#leaving.shift();
    if (leaver) {
      await this.#tidy(leaver);
      return true;
    }
    const next = this.#queue.shift();
    if (!next) {
      return false;
    }
    if (!this.#greeted.has(next)) {
      await this.#greet(next);
      return true;
    }
    if (await this.#session.adopt(next.settings)) {
      this.#owner = next;
    } else {
      next.socket.destroy();
    }
    return true;
  }

  async #serve(owner: Connection): Promise<void> {
    this.#silence.stop();
    const { input, withhold } = owner.takeTurn();
    const { status } = await this.#session.exchange(input, (bytes) => owner.send(bytes), withhold);
    if (status === "I") {
      this.#owner = undefined;
      if (owner.waiting && !owner.closed) {
        this.#queue.push(owner);
      }
    } else {
      this.#silence.start(owner);
    }
  }

  /** Answers a start-up once its settings are known to be good. */
  async #greet(connection: Connection): Promise<void> {
    this.#greeted.add(connection);
    if (!(await this.#session.adopt(connection.settings))) {
      const names = [...connection.settings.keys()].join(", ");
      connection.send(errorResponse("FATAL", "22023", `unusable connection settings among: ${names}`));
      connection.socket.destroySoon();
      return;
    }
    connection.send(this.#greeting);
    if (connection.waiting) {
      this.#queue.push(connection);
    }
  }

  /** Ends what an owner that is gone had begun. */
  async #abandon(): Promise<void> {
    this.#silence.stop();
    await this.#session.exchange(sync, discard);
    if (this.#session.inTransaction) {
      await this.#session.run("ROLLBACK");
    }
    this.#owner = undefined;
  }

  /** Frees a closed connection's statements and the channels that nobody else wants. */
  async #tidy(leaver: Connection): Promise<void> {
    const farewell = leaver.farewell();
    if (farewell.length > 0) {
      await this.#session.exchange(Buffer.concat([farewell, sync]), discard);
    }
    for (const channel of leaver.channels) {
      if (![...this.#connections].some((other) => other.channels.has(channel))) {
        await this.#session.run(`UNLISTEN "${channel.replaceAll('"', '""')}"`);
      }
    }
  }
}

function endForSilence(owner: Connection): void {
  owner.send(errorResponse("FATAL", "25P03", "terminating connection due to idle-in-transaction timeout"));
  owner.socket.destroySoon();
  // One that does not read would never be through with its end.
  setTimeout(() => owner.socket.destroy(), goodbyeMs);
}
