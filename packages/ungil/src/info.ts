// What `ungil info` prints.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { availableParallelism, cpus, totalmem } from "node:os";
import { fileURLToPath } from "node:url";

/** One line on a kernel build: its size, the exports it offers, and the start of its SHA-256. */
function kernel(build: "gil" | "free"): string {
  const bytes = readFileSync(fileURLToPath(import.meta.resolve(`@ungil/kernel/kernel.${build}.wasm`)));
  const exports = WebAssembly.Module.exports(new WebAssembly.Module(bytes)).length;
  const digest = createHash("sha256").update(bytes).digest("hex").slice(0, 12);
  return `${bytes.length} bytes, ${exports} exports, sha256 ${digest}`;
}

export function info(version: string): Record<string, string> {
  return {
    ungil: version,
    node: process.version,
    v8: process.versions.v8 ?? "unknown",
    platform: `${process.platform} ${process.arch}`,
    cpu: cpus()[0]?.model ?? "unknown",
    cores: String(availableParallelism()),
    memory: `${(totalmem() / 2 ** 30).toFixed(1)} GiB`,
    "kernel.gil": kernel("gil"),
    "kernel.free": kernel("free"),
  };
}
