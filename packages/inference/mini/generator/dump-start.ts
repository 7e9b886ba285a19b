/** Writes what training starts from: `node packages/inference/mini/generator/dump-start.ts FILE`. */
import { writeFileSync } from "node:fs";
import { startOfWords } from "./embedding.ts";
import { readFrequentWords, readTokens } from "./files.ts";

const [file] = process.argv.slice(2);
if (file === undefined) throw new Error("Name the file to write: node dump-start.ts FILE");
writeFileSync(file, startOfWords(readTokens(), readFrequentWords()));
