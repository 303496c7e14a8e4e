// pnpm soak [--minutes N] [--threads N] [--seed S] [--mode gil|free] [--json FILE]
import { buildAndRun } from "./lib/process.mjs";

await buildAndRun("bench/dist/soak/main.js");
