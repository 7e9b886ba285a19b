// Writes into package-lock.json the optional packages of other platforms that npm leaves out when the registry at hand
// does not have them (yet): without them `npm ci` takes the lock file for outdated, and on that platform installs nothing.
// `npm run lock` completes it; `--check` only tells.
import { readFileSync, writeFileSync } from "node:fs";

const systems = {
  android: "android",
  darwin: "darwin",
  freebsd: "freebsd",
  linux: "linux",
  openharmony: "openharmony",
  win32: "win32",
  windows: "win32",
};
const processors = {
  64: "x64",
  arm: "arm",
  arm64: "arm64",
  ia32: "ia32",
  ppc64: "ppc64",
  riscv64: "riscv64",
  s390x: "s390x",
  x64: "x64",
};
const libraries = { gnu: "glibc", gnueabihf: "glibc", musl: "musl", musleabihf: "musl" };

const path = new URL("../package-lock.json", import.meta.url);
const lock = JSON.parse(readFileSync(path, "utf8"));
const added = [];
for (const [place, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    if (isLocked(place, name)) continue;
    added.push(`${name}@${version}`);
    lock.packages[`node_modules/${name}`] = platformEntry(name, version, entry);
  }
}
if (added.length > 0 && process.argv.includes("--check")) {
  process.stderr.write(`package-lock.json lacks ${added.join(", ")}. Run 'npm run lock'.\n`);
  process.exitCode = 1;
} else if (added.length > 0) {
  lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
  writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
  process.stdout.write(`Added ${added.join(", ")}.\n`);
}

function isLocked(place, name) {
  const folders = place.split("/node_modules/");
  return (
    folders.some((_, depth) => {
      const above = folders.slice(0, depth + 1).join("/node_modules/");
      return lock.packages[`${above}/node_modules/${name}`] !== undefined;
    }) || lock.packages[`node_modules/${name}`] !== undefined
  );
}

/** As npm would write it, but for the checksum, which only the registry knows. */
function platformEntry(name, version, parent) {
  const words = name.split("/").at(-1).split("-");
  const pick = (table) =>
    words
      .map((word) => table[word])
      .filter((it) => it !== undefined)
      .at(-1);
  const [os, cpu, libc] = [pick(systems), pick(processors), pick(libraries)];
  if (os === undefined || cpu === undefined || !/^\d+\.\d+\.\d+$/.test(version)) {
    throw new Error(
      `${name}@${version}: its platform or version can't be told; add it to the lock file by hand.`,
    );
  }
  return {
    version,
    cpu: [cpu],
    ...(parent.dev ? { dev: true } : {}),
    ...(os === "linux" && libc ? { libc: [libc] } : {}),
    optional: true,
    os: [os],
  };
}
