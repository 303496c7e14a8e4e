import { defineConfig, type Options } from "tsup";

const common: Options = {
  target: "node20",
  platform: "node",
  removeNodeProtocol: false,
  sourcemap: true,
  // scripts/build.mjs empties dist; the kernel's .wasm files lie there too.
  clean: false,
  silent: true,
};

export default defineConfig([
  {
    ...common,
    entry: ["src/index.ts", "src/worker-thread.ts", "src/system-thread.ts"],
    format: "esm",
    dts: true,
    splitting: true,
  },
  // The one file that must be CommonJS: piscina requires it.
  { ...common, entry: { worker: "src/worker.cts" }, format: "cjs", outExtension: () => ({ js: ".cjs" }) },
]);
