// Prints the version of Node and those of the packages named as arguments.

import { readFileSync } from "node:fs";

console.log("node", process.versions.node);
for (const name of process.argv.slice(2)) {
  const manifest = readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url));
  console.log(name, JSON.parse(manifest).version);
}
