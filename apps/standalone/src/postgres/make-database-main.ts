import { mkdir, rename, rm } from "node:fs/promises";
import { postgresEnv } from "../env.ts";
import { databaseFolder, openEngine } from "./engine.ts";

/*
 * Makes the database beside its place and moves it there when it is whole: a start that is cut off leaves nothing half
 * made behind.
 */
const folder = databaseFolder(postgresEnv().dataDir);
const incoming = `${folder}.new`;
await rm(incoming, { recursive: true, force: true });
await mkdir(incoming, { recursive: true, mode: 0o700 });
const engine = await openEngine(incoming);
await engine.close();
await rename(incoming, folder);
process.exit(0);
