import { cpus, totalmem } from "node:os";

/** One measured number. `of` names the peer of a ratio. */
export interface Figure {
  name: string;
  value: number;
  unit: string;
  of?: string;
}

export class Figures {
  readonly all: Figure[] = [];
  readonly #onFigure: (figure: Figure) => void;

  constructor(onFigure: (figure: Figure) => void) {
    this.#onFigure = onFigure;
  }

  add(name: string, value: number, unit: string, of?: string): void {
    const figure = { name, value: round(value), unit, ...(of === undefined ? {} : { of }) };
    this.all.push(figure);
    this.#onFigure(figure);
  }
}

/** Three significant digits, and whole numbers as they are. */
function round(value: number): number {
  return Number.isInteger(value) ? value : Number(value.toPrecision(3));
}

/** What the figures were measured on. */
export function describeMachine() {
  const processors = cpus();
  return {
    cpu: processors[0]?.model ?? "unknown",
    cores: processors.length,
    memory_bytes: totalmem(),
    platform: `${process.platform}-${process.arch}`,
    node: process.version,
  };
}
