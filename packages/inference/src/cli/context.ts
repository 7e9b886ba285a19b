import { InferenceError } from "../inference-error.ts";
import type { ModelDefinition } from "../model-catalog.ts";
import type { Screen } from "./screen.ts";

/** What every command is given. */
export interface Context {
  /** The model's name, as it was typed. */
  name: string;
  /** Folder of the models. */
  cacheDir: string;
  hubEndpoint: string;
  known: readonly ModelDefinition[];
  signal: AbortSignal;
  screen: Screen;
}

/** @throws InferenceError `model_not_found` */
export function definitionOf({ name, known }: Context): ModelDefinition {
  const found = known.find(({ record }) => record.id === name);
  if (found) return found;
  const hint = name.includes("/") ? " `npm run models -- info` drafts a record for it." : "";
  const ids = known.map(({ record }) => `  ${record.id}`).join("\n");
  throw new InferenceError("model_not_found", `genq knows no model "${name}".${hint} It knows:\n${ids}`);
}
