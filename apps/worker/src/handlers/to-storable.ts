/** Postgres keeps neither U+0000 nor lone surrogates. */
export function toStorable(text: string): string {
  return text.replaceAll("\u0000", "").toWellFormed();
}
