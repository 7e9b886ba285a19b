import { AppError } from "@genq/contract";
import type { ModelRecord } from "@genq/inference";
import type { Services } from "../services.ts";

/**
 * The record of the model that answers: the configured one, or another that the operator allows to be asked for.
 * @throws AppError unknown_model
 */
export function servedModel(
  { inference, modelsAllowed }: Pick<Services, "inference" | "modelsAllowed">,
  asked: string | undefined,
  task: "embedding" | "generation",
): ModelRecord {
  const configured = inference.records()[task];
  if (asked === undefined || asked === configured.id) return configured;
  if (modelsAllowed.includes(asked)) {
    const record = inference.record(asked);
    if (record.task === task) return record;
    throw new AppError("unknown_model", `${asked} is a model for ${record.task}, not for ${task}.`);
  }
  throw new AppError("unknown_model", `The model ${asked} is not served here; ${configured.id} is.`);
}
