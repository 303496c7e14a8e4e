import { defineConfig } from "tsup";

export default defineConfig({
  entry: { index: "src/index.ts", images: "src/images/index.ts", policies: "src/policies/index.ts" },
  format: "esm",
  target: "node20",
  platform: "node",
  removeNodeProtocol: false,
  dts: true,
  sourcemap: true,
  splitting: true,
  // scripts/build.mjs empties dist; the kernel's .wasm files lie there too.
  clean: false,
  silent: true,
});
