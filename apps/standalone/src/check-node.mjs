// Plain JavaScript on purpose: it has to run on the Node versions that it refuses.
const wanted = 24;
const major = Number(process.versions.node.split(".")[0]);
if (major < wanted) {
  console.error(
    `genq needs Node ${wanted} and this is Node ${process.versions.node} (${process.platform}-${process.arch}). ` +
      `'npm ci' installs Node ${wanted} beside the project on linux x64/arm64, darwin x64 and windows x64 ` +
      `(run scripts with 'npm run …' so that it is found); on other platforms install Node ${wanted} yourself.`,
  );
  process.exit(1);
}
