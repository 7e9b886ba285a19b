import { execFile } from "node:child_process";
import {
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import type { Edit } from "./guard.ts";

const run = promisify(execFile);

/** A copy of the working tree as it stands, for edits that must not touch it. */
export interface WorkingCopy {
  readonly root: string;
  /** Makes the edits, and resolves how to take them back. */
  edit(edits: Edit[]): Promise<() => Promise<void>>;
  remove(): Promise<void>;
}

export async function makeWorkingCopy(source: string): Promise<WorkingCopy> {
  const root = await mkdtemp(join(tmpdir(), "genq-guards-"));
  const listed = await run("git", ["ls-files", "-z", "-co", "--exclude-standard"], {
    cwd: source,
    maxBuffer: 2 ** 26,
  });
  const deleted = await run("git", ["ls-files", "-z", "-d"], { cwd: source });
  const gone = new Set(deleted.stdout.split("\0"));
  for (const path of new Set(listed.stdout.split("\0"))) {
    if (path === "" || gone.has(path)) continue;
    await mkdir(dirname(join(root, path)), { recursive: true });
    await copyFile(join(source, path), join(root, path));
  }
  await linkModules(source, root);
  return {
    root,
    edit: async (edits) => {
      const before = new Map<string, string>();
      for (const { file, find, replace } of edits) {
        const text = await readFile(join(root, file), "utf8");
        if (!before.has(file)) before.set(file, text);
        await writeFile(
          join(root, file),
          text.replace(find, () => replace),
        );
      }
      return async () => {
        for (const [file, text] of before) await writeFile(join(root, file), text);
      };
    },
    remove: () => rm(root, { recursive: true, force: true }),
  };
}

/** Links each package, but the workspaces' own to the copy: a link to the whole folder would lead to the source. */
async function linkModules(source: string, root: string): Promise<void> {
  const modules = join(source, "node_modules");
  await mkdir(join(root, "node_modules", "@genq"), { recursive: true });
  for (const name of await readdir(modules)) {
    if (name !== "@genq") await symlink(join(modules, name), join(root, "node_modules", name));
  }
  for (const name of await readdir(join(modules, "@genq"))) {
    const target = await readlink(join(modules, "@genq", name));
    await symlink(target, join(root, "node_modules", "@genq", name));
  }
}

/** What of the list no longer fits the code: each edit must find its text exactly once. */
export async function findMisfits(
  root: string,
  guards: { name: string; edits: Edit[] }[],
): Promise<string[]> {
  const misfits: string[] = [];
  for (const { name, edits } of guards) {
    for (const { file, find } of edits) {
      const text = await readFile(join(root, file), "utf8").catch(() => undefined);
      const found = text === undefined ? 0 : text.split(find).length - 1;
      if (found !== 1) misfits.push(`${name}: found ${found} times in ${file}: ${find}`);
    }
  }
  return misfits;
}
