import { AppError } from "@genq/contract";

/** @throws AppError unknown_model when another model was asked for than the one that is served */
export function assertServed(asked: string | undefined, served: string): void {
  if (asked === undefined || asked === served) return;
  throw new AppError("unknown_model", `The model ${asked} is not served here; ${served} is.`);
}
