// pnpm bench [suite...] [--json FILE]
import { buildAndRun } from "./lib/process.mjs";

await buildAndRun("bench/dist/bench.js");
