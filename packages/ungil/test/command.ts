// The command as a person types it, as a process of its own.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

export const bin: string = fileURLToPath(new URL("../bin/ungil.mjs", import.meta.url));

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs `ungil` in a folder, to its end; bounded in time. */
export function ungilIn(folder: string, args: readonly string[]): Promise<Ended> {
  const child = spawn(process.execPath, [bin, ...args], {
    cwd: folder,
    timeout: 25_000,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text) => (stderr += text));
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, stdout, stderr })));
}
