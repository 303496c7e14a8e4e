// pnpm bench [suite...]: runs suites, one after another, and shows their tables.
import { Argument } from "commander";
import { EXIT, runCommand } from "./report/exit.js";
import { machine } from "./report/machine.js";
import { command, word } from "./report/options.js";
import { progress } from "./report/progress.js";
import type { Row } from "./report/shape.js";
import { checkPath, writeReport } from "./report/write.js";
import { SUITES } from "./suites.js";

const NAMES = SUITES.map(({ name }) => name);

interface Options {
  list?: boolean;
  quick?: boolean;
  json?: string;
}

async function main(args: string[]): Promise<number> {
  const parser = command("bench")
    .description(
      "Measures the parts of ungil, each beside what the bare machine takes. (`pnpm start` runs the main job.)",
    )
    .addArgument(
      new Argument("[suite...]", `one or more of ${NAMES.join(", ")}; all of them if none is named`).argParser(
        word(NAMES),
      ),
    )
    .option("--list", "say which suites there are")
    .option("--quick", "few, short samples: shows that it works, measures little")
    .option("--json <file>", "also write everything to a file")
    .parse(args, { from: "user" });
  const { list = false, quick = false, json } = parser.opts<Options>();
  if (list) {
    for (const { name, about } of SUITES) console.log(`${name.padEnd(10)} ${about}`);
    return EXIT.ok;
  }
  if (json !== undefined) checkPath(json);
  const named = parser.processedArgs[0] as string[] | undefined;
  const wanted = named?.length ? named : NAMES; // commander's list is empty if none is named
  const rows: Row[] = [];
  for (const suite of SUITES.filter(({ name }) => wanted.includes(name))) {
    const show = progress();
    const some = await suite.run(show, quick).finally(() => show.end());
    console.log(`${suite.name}: ${suite.about}\n${suite.view(some)}`);
    rows.push(...some);
  }
  const { cpu, cores } = machine();
  console.log(`${cpu}, ${cores} cores, Node ${process.version}; medians.`);
  if (json !== undefined) console.log(`Written: ${writeReport(json, rows)}`);
  return EXIT.ok;
}

await runCommand("bench", main);
