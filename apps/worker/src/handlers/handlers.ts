import type { JobKind } from "@genq/contract";
import { embed } from "./embed.ts";
import { generate } from "./generate.ts";
import type { Handler } from "./handler.ts";
import { ingest } from "./ingest.ts";
import { search } from "./search.ts";

/** A handler for each kind of the catalog: one that is missing, or gives another result, does not compile. */
export type Handlers = { readonly [Kind in JobKind]: Handler<Kind> };

export const handlers: Handlers = { ingest, embed, search, generate };
