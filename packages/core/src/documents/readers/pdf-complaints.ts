import { Console } from "node:console";
import { Writable } from "node:stream";

/**
 * Counts what pdf.js says to the console: of broken streams and operators it tells there only, and goes on with what
 * is left. The console of the parsing child is replaced for good; nothing else writes to it.
 */
export function countComplaints(): () => number {
  let complaints = 0;
  const sink = new Writable({
    write(_chunk, _encoding, done) {
      complaints++;
      done();
    },
  });
  globalThis.console = new Console(sink);
  return () => complaints;
}
