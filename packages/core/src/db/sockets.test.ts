import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, it, vi } from "vitest";
import { createSockets } from "./sockets.ts";

it("does not connect a socket that was dropped before its turn", async () => {
  const sockets = createSockets();
  const socket = sockets.open({ host: ["127.0.0.1"], port: [1], path: undefined });
  // The driver listens no more once it is closed: an error of the connection would end the process.
  const connect = vi.spyOn(socket, "connect").mockReturnValue(socket);
  sockets.dropAll();
  await nextTurn();
  expect(connect).not.toHaveBeenCalled();
  expect(sockets.heard().size).toBe(0);
});
