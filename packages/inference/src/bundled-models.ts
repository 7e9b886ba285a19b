import { fileURLToPath } from "node:url";

/** Folder of the models that come with this package, in the hub's layout. */
export const bundledModelsFolder = fileURLToPath(new URL("../mini/models", import.meta.url));
