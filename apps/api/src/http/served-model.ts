import { AppError } from "@genq/contract";

/**
 * Whether a model of this name and the right kind is among the allowed ones only its worker can tell.
 * @throws AppError unknown_model, which names those that may be asked for
 */
export function assertServedModel(
  asked: string | undefined,
  served: string,
  allowed: readonly string[],
): void {
  const names = [...new Set([served, ...allowed])];
  if (asked === undefined || names.includes(asked)) return;
  const list = names.map((name) => `"${name}"`).join(" or ");
  throw new AppError(
    "unknown_model",
    `This model is not served here. Leave "model" out or ask for ${list}.`,
    { errors: [{ path: "/model", message: `must be ${list}` }] },
  );
}
