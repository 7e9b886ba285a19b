/** Writes `tokenizer.json`, in about a minute: `node packages/inference/mini/generator/build-tokenizer.ts`. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { modelFolder, readFrequentWords } from "./files.ts";
import { buildVocabulary, tokenizerJson } from "./tokenizer.ts";

// A line for each of its 25,000 pieces would bury what else a diff or a search shows.
const json = JSON.stringify(tokenizerJson(buildVocabulary(readFrequentWords())));
writeFileSync(join(modelFolder, "tokenizer.json"), `${json}\n`);
