/**
 * Options of node that a worker would inherit and cannot live with: what says how to run the main program. Loaders and
 * conditions stay (that is how `tsx main.ts` reaches the workers).
 */

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
  const kept: string[] = [];
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
      kept.push(option);
    }
  }
  return filtered ? kept : undefined;
}
