// pnpm start [-- options]: the main job. See bench/README.md.
import { buildAndRun } from "./lib/process.mjs";

await buildAndRun("bench/dist/compare/main.js");
