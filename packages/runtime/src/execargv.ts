/**
 * Options of node that a worker would inherit and cannot live with: what says how to run the main program. Loaders and
 * conditions stay (`--import`, `--require`, `--loader`, `--conditions`).
 */
import { Worker } from "node:worker_threads";

/** With a value of their own, unless it is given with `=`. */
const withValue = new Set([
  "-e",
  "--eval",
  "-p",
  "--print",
  "-pe",
  "--input-type",
  "--test-name-pattern",
  "--test-reporter",
  "--test-reporter-destination",
  "--test-concurrency",
  "--test-shard",
  "--test-timeout",
  "--watch-path",
]);
const alone = new Set(["-c", "--check", "-i", "--interactive", "--watch", "--watch-preserve-output", "--run"]);

/** undefined: nothing to filter, let the worker inherit. */
export function workerExecArgv(inherited: readonly string[] = process.execArgv): string[] | undefined {
  const kept: string[][] = [];
  let filtered = false;
  for (let n = 0; n < inherited.length; n++) {
    const option = inherited[n] as string;
    const name = option.split("=", 1)[0] as string;
    if (withValue.has(name)) {
      filtered = true;
      const takesNext = option === name && name !== "--input-type";
      if (takesNext || (option === name && !inherited[n + 1]?.startsWith("-"))) n++;
    } else if (alone.has(name) || name.startsWith("--test") || name.startsWith("--experimental-test")) {
      filtered = true;
    } else {
      const group = [option];
      // What does not look like an option is the value of the one before it: there is nothing else here.
      while (inherited[n + 1]?.startsWith("-") === false) group.push(inherited[++n] as string);
      kept.push(group);
    }
  }
  if (!filtered) return undefined;
  return (isAccepted(kept.flat()) ? kept : kept.filter(isAccepted)).flat();
}

/**
 * Whether a worker may be given these options. It may inherit all that its process has, but a list of its own must not have
 * those of V8 and of the process (they are in force for all threads anyway), and which these are differs between versions:
 * so node is asked. No thread is made: a worker with data that cannot be cloned fails before, after its options were read.
 */
function isAccepted(execArgv: readonly string[]): boolean {
  try {
    new Worker("", { eval: true, execArgv: [...execArgv], workerData: () => undefined });
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ERR_WORKER_INVALID_EXEC_ARGV";
  }
  return true;
}
