/**
 * Asks once for all who ask at the same time or within `ms` after the answer: the status routes are open to everybody,
 * and what they look at must not be.
 */
export function shareAnswer<Answer>(ms: number, ask: () => Promise<Answer>): () => Promise<Answer> {
  let shared: Promise<Answer> | undefined;
  return () => {
    if (shared !== undefined) return shared;
    const asked = ask();
    shared = asked;
    const forget = () => {
      setTimeout(() => {
        shared = undefined;
      }, ms).unref();
    };
    asked.then(forget, forget);
    return asked;
  };
}
