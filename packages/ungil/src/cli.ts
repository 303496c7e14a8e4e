// The `ungil` command. Exit codes: 0, 1 failure, 2 usage, 130 Ctrl-C.

import { readFileSync } from "node:fs";
import { inspect } from "node:util";
import { UngilError } from "@ungil/kernel";
import { Command, CommanderError } from "commander";
import { info } from "./info.js";
import { InterruptedError } from "./interrupt.js";
import { helpOnly } from "./unknown.js";
import { isUsageError, vmCommand } from "./vm.js";

const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  version: string;
};

const program = new Command("ungil")
  .description("Multithreaded coroutines and shared objects for Node.js, with or without a global interpreter lock.")
  .version(version)
  .exitOverride();

program
  .command("info")
  .description("print versions, the machine and the kernel builds")
  .option("--json", "as JSON")
  .action((options: { json?: boolean }) => {
    const facts = info(version);
    if (options.json) {
      console.log(JSON.stringify(facts, null, 2));
      return;
    }
    const width = Math.max(...Object.keys(facts).map((name) => name.length));
    for (const [name, value] of Object.entries(facts)) console.log(`${name.padEnd(width)}  ${value}`);
  });

vmCommand(program);
helpOnly(program);

program.parseAsync().catch((error: unknown) => {
  // Commander has printed what is wrong; asking for help or the version is not a mistake.
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
  else {
    const interrupted = error instanceof InterruptedError;
    const told = interrupted || error instanceof UngilError;
    process.stderr.write(`error: ${told ? error.message : inspect(error)}\n`);
    process.exitCode = interrupted ? 130 : isUsageError(error) ? 2 : 1;
  }
});
