/** Why a body is no JSON, and where when V8 tells it. Nothing of the body is repeated. */
export function explainJson(body: string | undefined): string {
  if (body === undefined) return "The body can't be read as JSON.";
  if (body.trim() === "") return "The body is empty; send a JSON object.";
  try {
    JSON.parse(body);
  } catch (error) {
    const message = error instanceof Error ? error.message : "";
    const [, place] = /( at position \d+(?: \(line \d+ column \d+\))?)$/.exec(message) ?? [];
    const reason = /^(?:Unexpected end|Unexpected token|[A-Z][^"]*?(?= in JSON))/.exec(message)?.[0];
    if (place !== undefined && reason !== undefined) return `The JSON is malformed: ${reason}${place}.`;
    if (reason === "Unexpected end") return "The JSON is malformed: it ends too early.";
    if (reason === "Unexpected token")
      return "The JSON is malformed: a character is not allowed where it stands.";
  }
  return "The body can't be read as JSON.";
}
