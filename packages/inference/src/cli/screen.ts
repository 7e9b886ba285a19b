import { isMovable } from "./env.ts";

/** Where a command tells how it goes. Its result is apart from it. */
export interface Screen {
  /** A line that stays. */
  say(line: string): void;
  /** A line in the place of the last one of these; on terminals only. */
  show(line: string): void;
}

/** Writes to the standard error when the standard output is kept for JSON. */
export function createScreen(json: boolean): Screen {
  const stream = json ? process.stderr : process.stdout;
  const movable = isMovable(stream);
  let shown = false;
  const clear = () => {
    if (shown) stream.write("\r\u001b[2K");
    shown = false;
  };
  return {
    say(line) {
      clear();
      stream.write(`${line}\n`);
    },
    show(line) {
      if (!movable) return;
      clear();
      stream.write(line.slice(0, (stream.columns || 80) - 1));
      shown = true;
    },
  };
}

const barWidth = 24;

/** How much of something is done, as a bar. */
export function bar(done: number, total: number): string {
  const share = total > 0 ? Math.min(1, done / total) : 0;
  const filled = Math.floor(share * barWidth);
  return `${"█".repeat(filled)}${"░".repeat(barWidth - filled)} ${Math.floor(share * 100)} %`;
}

export function formatBytes(bytes: number): string {
  if (bytes < 1e6) return `${Math.ceil(bytes / 1e3)} kB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}

/** Lines of columns, each as wide as its widest cell. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows.reduce<number[]>(
    (all, row) => row.map((cell, index) => Math.max(all[index] ?? 0, cell.length)),
    [],
  );
  return rows
    .map((row) =>
      row
        .map((cell, index) => cell.padEnd(widths[index] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
