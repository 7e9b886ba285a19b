import { Socket } from "node:net";

/** One signature for the four overloads of `connect`, which all end in the same function. */
type Connect = (this: Socket, ...args: unknown[]) => Socket;

/** Unit tests reach nothing but this machine: another host is refused before a packet leaves. */
const connect = Socket.prototype.connect as Connect;

Socket.prototype.connect = function guarded(this: Socket, ...args: unknown[]): Socket {
  const host = hostOf(args);
  if (/^(localhost|127\..*|::1|)$/.test(host)) return connect.apply(this, args);
  this.destroy();
  throw new Error(`A unit test may not reach ${host}. Tests of servers are *.int.test.ts.`);
};

/** `connect(options)`, `connect(port, host)`, or the list that `net.connect` makes of either; "" for this machine. */
function hostOf(args: unknown[]): string {
  const [first, second] = Array.isArray(args[0]) ? (args[0] as unknown[]) : args;
  if (typeof first === "object" && first !== null && "host" in first) return String(first.host ?? "");
  return typeof second === "string" ? second : "";
}
