/** Ends the connections that Node's fetch keeps for later requests: a test file leaves none behind. */
export async function closeConnections(): Promise<void> {
  const dispatcher: unknown = Reflect.get(globalThis, Symbol.for("undici.globalDispatcher.1"));
  if (typeof dispatcher !== "object" || dispatcher === null || !("destroy" in dispatcher)) return;
  if (typeof dispatcher.destroy === "function") await dispatcher.destroy();
}
