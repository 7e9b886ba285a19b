export { searchChunks } from "./search-chunks.ts";
