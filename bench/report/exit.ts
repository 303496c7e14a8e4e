// Exit codes, the same for every command: 0, 1 mismatch or failure, 2 usage, 130 Ctrl-C, 143 SIGTERM.
// A command is a function of its arguments that gives 0 or 1, or throws.
import { inspect } from "node:util";
import { CommanderError } from "commander";

export const EXIT = { ok: 0, failed: 1, usage: 2, interrupted: 130, terminated: 143 } as const;

/** The user asked for something that does not exist or makes no sense. */
export class UsageError extends Error {
  override name = "UsageError";
}

const cleanups = new Set<() => void>();

/** `cleanup` runs if the user presses Ctrl-C; the function that comes back takes it off the list again. */
export function onInterrupt(cleanup: () => void): () => void {
  cleanups.add(cleanup);
  return () => void cleanups.delete(cleanup);
}

/** Runs a command, and ends the process with the code that its outcome stands for. */
export async function runCommand(name: string, command: (args: string[]) => Promise<number>): Promise<void> {
  const stop = (code: number): void => {
    for (const cleanup of cleanups) cleanup();
    process.stderr.write(`\n${name}: stopped\n`);
    process.exit(code);
  };
  process.once("SIGINT", () => stop(EXIT.interrupted));
  process.once("SIGTERM", () => stop(EXIT.terminated));
  process.exit(await outcome(name, command));
}

async function outcome(name: string, command: (args: string[]) => Promise<number>): Promise<number> {
  const typed = process.argv.slice(2);
  // `pnpm start -- --json FILE` hands the `--` on to us.
  const args = typed[0] === "--" ? typed.slice(1) : typed;
  try {
    return await command(args);
  } catch (error) {
    // Commander has already said what is wrong (or shown the help that was asked for).
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    if (error instanceof UsageError) {
      process.stderr.write(`${name}: ${error.message}\nTry --help.\n`);
      return EXIT.usage;
    }
    process.stderr.write(`${name}: ${inspect(error)}\n`);
    return EXIT.failed;
  }
}
