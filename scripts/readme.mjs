// Before `ungil` is packed: its README is the one of the repository, whose other documents are not in the package.
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { root } from "./lib/process.mjs";

const text = readFileSync(path.join(root, "README.md"), "utf8");
const links = /\[([^\]]+)\]\((?!https?:)[^)]+\)/g;
writeFileSync(path.join(root, "packages/ungil/README.md"), text.replace(links, "$1 (in the repository)"));
