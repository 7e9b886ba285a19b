import { once } from "node:events";
import { connect } from "node:net";

/** Sends FLUSHALL: every key of that Redis is gone. @throws Error when it does not answer OK */
export async function flushAll(url: string): Promise<void> {
  const { hostname, port, username, password } = new URL(url);
  const socket = connect(Number(port || 6379), hostname);
  try {
    await once(socket, "connect");
    if (password !== "")
      await ask(socket, ["AUTH", decodeURIComponent(username || "default"), decodeURIComponent(password)]);
    await ask(socket, ["FLUSHALL"]);
  } finally {
    socket.destroy();
  }
}

async function ask(socket: ReturnType<typeof connect>, words: string[]): Promise<void> {
  const frames = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
  socket.write(`*${words.length}\r\n${frames.join("")}`);
  const [answer] = (await once(socket, "data")) as [Buffer];
  if (!answer.toString().startsWith("+OK")) throw new Error(`Redis answered ${answer.toString().trim()}`);
}
