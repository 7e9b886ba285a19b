import { wantsPlainOutput } from "../env.ts";

const plain = wantsPlainOutput();
const paint = (code: number) => (text: string) => (plain ? text : `\u001b[${code}m${text}\u001b[0m`);
export const bold = paint(1);
export const dim = paint(2);

const textWidth = 92;
const barWidth = 24;
let transient = false;

/** A line that stays. */
export function say(text = ""): void {
  clear();
  process.stdout.write(`${text}\n`);
}

/** A step that is done, with the time that it took. */
export function sayStep(name: string, text: string, milliseconds: number): void {
  const seconds = `${(milliseconds / 1000).toFixed(milliseconds < 10_000 ? 2 : 1)} s`;
  say(`  ${name.padEnd(9)} ${padTo(text, textWidth - 14)} ${dim(seconds.padStart(7))}`);
}

/** A line that the next one takes the place of. Shown on terminals only. */
export function show(name: string, text: string): void {
  if (plain) return;
  clear();
  process.stdout.write(`  ${name.padEnd(9)} ${text}`.slice(0, (process.stdout.columns || 80) - 1));
  transient = true;
}

/** How much of something is done, as a bar. */
export function bar(done: number, total: number): string {
  const share = total === 0 ? 1 : Math.min(1, done / total);
  const filled = Math.round(share * barWidth);
  return `${"█".repeat(filled)}${"░".repeat(barWidth - filled)} ${Math.round(share * 100)} %`;
}

/** Columns that a letter takes: those of East Asian scripts take two. */
function widthOf(letter: string): number {
  return letter >= "\u2e80" ? 2 : 1;
}

function padTo(text: string, width: number): string {
  const used = [...text].reduce((sum, letter) => sum + widthOf(letter), 0);
  return text + " ".repeat(Math.max(0, width - used));
}

/** A text on one line, cut at a width. */
export function excerpt(text: string, width = 68): string {
  const letters = [...text.replace(/\s+/g, " ").trim()];
  let used = 0;
  const end = letters.findIndex((letter) => {
    used += widthOf(letter);
    return used > width;
  });
  return end < 0 ? letters.join("") : `${letters.slice(0, end).join("")}…`;
}

function clear(): void {
  if (transient) process.stdout.write("\r\u001b[2K");
  transient = false;
}
