import { AppError } from "@genq/contract";

/** @throws AppError unknown_model, which names the one that is served */
export function assertServedModel(asked: string | undefined, served: string): void {
  if (asked === undefined || asked === served) return;
  throw new AppError(
    "unknown_model",
    `This model is not served here. Leave "model" out or ask for "${served}".`,
    {
      errors: [{ path: "/model", message: `must be "${served}"` }],
    },
  );
}
