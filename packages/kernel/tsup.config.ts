import { defineConfig } from "tsup";
import { pageShift } from "./scripts/page-size.mjs";

export default defineConfig({
  entry: ["src/index.ts"],
  format: "esm",
  target: "node20",
  platform: "node",
  removeNodeProtocol: false,
  define: { KERNEL_PAGE_SHIFT: String(pageShift()) },
  dts: { banner: "type u32 = number;" },
  sourcemap: true,
  splitting: true,
  // scripts/build.mjs empties dist; the kernel's .wasm files lie there too.
  clean: false,
  silent: true,
});
