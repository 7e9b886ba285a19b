import { once } from "node:events";
import { connect } from "node:net";

/** What Redis says to one command, as it stands on the wire. @throws Error when it does not answer */
export async function askRedis(url: string, ...words: string[]): Promise<string> {
  const { hostname, port, username, password } = new URL(url);
  const socket = connect(Number(port || 6379), hostname);
  try {
    socket.setTimeout(5000, () => socket.destroy(new Error("Redis does not answer.")));
    await once(socket, "connect");
    if (password !== "")
      await ask(socket, ["AUTH", decodeURIComponent(username || "default"), decodeURIComponent(password)]);
    return await ask(socket, words);
  } finally {
    socket.destroy();
  }
}

async function ask(socket: ReturnType<typeof connect>, words: string[]): Promise<string> {
  const frames = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
  socket.write(`*${words.length}\r\n${frames.join("")}`);
  // A Redis that is killed ends the connection without an error.
  const ended = new AbortController();
  socket.once("close", () => ended.abort());
  const [answer] = (await once(socket, "data", { signal: ended.signal })) as [Buffer];
  return answer.toString().trim();
}
