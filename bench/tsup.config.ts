import { defineConfig } from "tsup";

// Every file becomes one file: coroutines are named by module URL, and a worker imports just the module it needs.
export default defineConfig({
  entry: ["**/*.ts", "!dist/**", "!node_modules/**", "!test/**", "!**/*.test.ts", "!**/*.d.ts", "!tsup.config.ts"],
  outDir: "dist",
  format: "esm",
  target: "node20",
  platform: "node",
  removeNodeProtocol: false,
  bundle: false,
  dts: false,
  sourcemap: true,
  clean: false,
  silent: true,
});
