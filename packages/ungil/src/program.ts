// Runs a program of the user's, watched through its environment.

import { spawn } from "node:child_process";
import { constants } from "node:os";
import { SimulationError } from "@ungil/memory";

/** Runs it to its end. What the terminal sends to us it sends to the program as well. */
export function runProgram(
  [file, ...args]: string[],
  environment: Record<string, string>,
): Promise<{ code: number; signal: NodeJS.Signals | null }> {
  const ignore = () => undefined;
  process.on("SIGINT", ignore);
  return new Promise<{ code: number; signal: NodeJS.Signals | null }>((resolve, reject) => {
    const child = spawn(file as string, args, { stdio: "inherit", env: { ...process.env, ...environment } });
    child.on("error", (cause) => reject(new SimulationError(`cannot run ${file}: ${cause.message}`)));
    child.on("exit", (code, signal) => {
      const interrupted = signal === "SIGINT" || code === 128 + constants.signals.SIGINT;
      resolve({ code: code ?? 1, signal: interrupted ? "SIGINT" : signal });
    });
  }).finally(() => process.off("SIGINT", ignore));
}
