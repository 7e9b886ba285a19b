import { closeSync, fstatSync, openSync, renameSync, writeSync } from "node:fs";

const maxBytes = 5_000_000;

/** Appends to a file; at 5 MB it becomes `<file>.1` and a new one begins. A full disk loses lines, not the launcher. */
export class LogFile {
  readonly #path: string;
  #descriptor: number | undefined;
  #size = 0;

  constructor(path: string) {
    this.#path = path;
  }

  write(chunk: Uint8Array): void {
    try {
      if (this.#descriptor !== undefined && this.#size > maxBytes) {
        closeSync(this.#descriptor);
        this.#descriptor = undefined;
        renameSync(this.#path, `${this.#path}.1`);
      }
      if (this.#descriptor === undefined) {
        this.#descriptor = openSync(this.#path, "a", 0o600);
        this.#size = fstatSync(this.#descriptor).size;
      }
      this.#size += writeSync(this.#descriptor, chunk);
    } catch {
      this.#descriptor = undefined;
    }
  }
}
