import { createMiniInference } from "./mini-inference.ts";

/** A parent to be killed: loads a model and says so. */
const inference = createMiniInference();
await inference.embed({ texts: ["a"], kind: "query", priority: "interactive" });
process.stdout.write("loaded\n");
