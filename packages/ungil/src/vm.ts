// `ungil vm`: what there is to do with virtual memory. Here: simulate page replacement over a trace.

import { writeFileSync } from "node:fs";
import path from "node:path";
import { bytesOf } from "@ungil/kernel";
import {
  FORMATS,
  openTrace,
  POLICIES,
  PolicyError,
  type PolicyOptions,
  parseFrames,
  readTrace,
  reportChart,
  reportTable,
  SimulationError,
  type SimulationReport,
  simulate,
  type TraceFormat,
  tlbShape,
} from "@ungil/memory";
import { type Command, InvalidArgumentError, Option } from "commander";
import { InterruptedError } from "./interrupt.js";
import { mapCommand } from "./map.js";
import { checkFolder } from "./output.js";
import { traceProgress } from "./progress.js";
import { recordCommand } from "./record.js";
import { helpOnly } from "./unknown.js";

interface SimulateOptions {
  trace: string;
  frames: number[];
  policy: string[];
  set: Record<string, Record<string, number | boolean>>;
  seed?: number;
  tau?: number;
  pageSize: number;
  format?: TraceFormat;
  instructions: boolean;
  tlb?: string;
  json?: string;
  svg?: string;
}

/** Was the user wrong, or did something fail? */
export const isUsageError = (error: unknown): boolean =>
  error instanceof PolicyError || error instanceof SimulationError;

export function vmCommand(program: Command): void {
  const vm = program
    .command("vm")
    .description("virtual memory: record a program's references, simulate page replacement over a trace, print maps");
  recordCommand(vm);
  mapCommand(vm);
  const simulate = vm
    .command("simulate")
    .description("count the page faults of replacement policies over a trace of memory references")
    .requiredOption("--trace <file>", "the trace, plain or gzip; - reads standard input")
    .requiredOption("--frames <list>", "numbers of frames: 3,4 or a range such as 100-1000:100", usage(parseFrames))
    .option("--policy <list>", "policies by slug, with commas; or all", usage(policies), [...POLICIES.keys()])
    .option("--set <policy.option=value>", "an option of a policy, see below; may be repeated", usage(setting), {})
    .option("--seed <n>", "for policies that draw at random: short for --set nru.seed=<n>", usage(whole))
    .option("--tau <n>", "the window, in references: short for --set working-set.tau=<n>", usage(whole))
    .option(
      "--page-size <bytes>",
      "a page of the trace's addresses (page numbers are not divided): 4096, 16KiB",
      usage(size),
      4096,
    )
    .addOption(new Option("--format <format>", "of the trace; seen from its first line if left out").choices(FORMATS))
    .option("--no-instructions", "leave out instruction fetches of a lackey trace")
    .option("--tlb <shape>", "simulate a TLB too, entries x ways: 64x4", usage(checkTlb))
    .option(
      "--json <file>",
      "write { rows: [{ policy, frames, faults, hits, params }] }; - prints it instead of the table",
    )
    .option("--svg <file>", "draw faults by frames; - prints the drawing instead of the table")
    .addHelpText("after", manual);
  helpOnly(vm);
  // The default of a list is too long to show.
  simulate.options.find((option) => option.long === "--policy")!.defaultValueDescription = "all";
  simulate.options.find((option) => option.long === "--set")!.defaultValueDescription = "the papers' values";
  simulate.action((options: SimulateOptions) => run(options));
}

async function run(options: SimulateOptions): Promise<void> {
  const { trace, frames, policy, tlb, json, svg, set, seed, tau } = options;
  for (const file of [json, svg]) if (file !== undefined && file !== "-") checkFolder(file);
  if (json === "-" && svg === "-")
    throw new SimulationError("--json - and --svg - both want standard output: give one of them a file");
  checkPolicyOptions(options);
  if (seed !== undefined) (set.nru ??= {}).seed = seed;
  if (tau !== undefined) (set["working-set"] ??= {}).tau = tau;
  const stop = new AbortController();
  const interrupt = (): void => stop.abort(new InterruptedError("stopped"));
  process.once("SIGINT", interrupt);
  const { bytes, length } = openTrace(trace, stop.signal);
  const progress = traceProgress(length);
  try {
    const { pageSize, format, instructions } = options;
    const references = readTrace(bytes, {
      pageSize,
      instructions,
      onBytes: progress.bytes,
      ...(format === undefined ? {} : { format }),
    });
    const report = await simulate(references, {
      frames,
      policies: policy,
      options: set as Record<string, PolicyOptions>,
      signal: stop.signal,
      onProgress: progress.show,
      ...(tlb === undefined ? {} : { tlb }),
    });
    progress.end();
    publish(report, options);
  } catch (error) {
    throw stop.signal.aborted ? stop.signal.reason : error;
  } finally {
    progress.end();
    process.off("SIGINT", interrupt);
    bytes.destroy();
  }
}

function publish(report: SimulationReport, { json, svg, trace }: SimulateOptions): void {
  const text = `${JSON.stringify(report, null, 2)}\n`;
  if (json === "-") process.stdout.write(text);
  else if (svg !== "-") process.stdout.write(`${reportTable(report)}\n`);
  if (json !== undefined && json !== "-") writeFileSync(json, text);
  if (svg !== undefined) {
    const name = trace === "-" ? "standard input" : path.basename(trace);
    const chart = `${reportChart(report, `${name}: faults of ${report.references} references`)}\n`;
    if (svg === "-") process.stdout.write(chart);
    else writeFileSync(svg, chart);
  }
}

/** A reader of an option's value whose complaint is a usage error. */
function usage<T>(read: (text: string, before: T) => T): (text: string, before: T) => T {
  return (text, before) => {
    try {
      return read(text, before);
    } catch (error) {
      throw new InvalidArgumentError((error as Error).message);
    }
  };
}

/** An option of a policy that is not simulated would change nothing, and nobody would notice. */
function checkPolicyOptions({ policy, set, seed, tau }: SimulateOptions): void {
  const given: [option: string, slug: string][] = Object.keys(set).map((slug) => ["--set", slug]);
  if (seed !== undefined) given.push(["--seed", "nru"]);
  if (tau !== undefined) given.push(["--tau", "working-set"]);
  for (const [option, slug] of given)
    if (!policy.includes(slug))
      throw new SimulationError(`${option} is for ${slug}, which is not simulated: --policy is ${policy.join(",")}`);
}

function size(text: string): number {
  const bytes = bytesOf(/^\d+$/.test(text) ? Number(text) : text);
  if (Number.isNaN(bytes)) throw new Error("it must be a size, such as 4096 or 16KiB.");
  return bytes;
}

function whole(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new Error("it must be a whole number.");
  return Number(text);
}

function policies(text: string): string[] {
  const slugs = [...POLICIES.keys()];
  const wanted = text.split(",").map((slug) => slug.trim());
  const stranger = wanted.find((slug) => slug !== "all" && !POLICIES.has(slug));
  if (stranger !== undefined) throw new Error(`there is no policy "${stranger}": there are all, ${slugs.join(", ")}.`);
  return wanted.includes("all") ? slugs : [...new Set(wanted)];
}

function setting(text: string, before: SimulateOptions["set"]): SimulateOptions["set"] {
  const [, slug = "", name = "", value = ""] = /^([^.=]+)\.([^.=]+)=(.+)$/.exec(text) ?? [];
  const entry = POLICIES.get(slug);
  if (entry === undefined) throw new Error("it must be policy.option=value, such as nru.period=100.");
  const parsed = value === "true" ? true : value === "false" ? false : Number(value);
  // Is there such an option, and may it have this value?
  entry.create(1, { [name]: parsed });
  return { ...before, [slug]: { ...before[slug], [name]: parsed } };
}

function checkTlb(text: string): string {
  tlbShape(text);
  return text;
}

function manual(): string {
  const lines = [...POLICIES.values()].flatMap(({ slug, title, source, options }) => [
    `  ${slug.padEnd(12)} ${title}. ${source}`,
    ...Object.entries(options).map(
      ([name, { about, default: standard }]) => `  ${"".padEnd(14)} ${slug}.${name}=${standard}  ${about}`,
    ),
  ]);
  return `
Traces (told apart by their first line, gzip by its first bytes):
  pages        page numbers in decimal: 7 0 1 2, with blanks, commas or line ends between
  addresses    addresses in hexadecimal: 0x7ffe5c20
  lackey       what valgrind --tool=lackey --trace-mem=yes --log-file=FILE writes

Policies, their options and defaults:
${lines.join("\n")}

Examples:
  echo 7,0,1,2,0,3,0,4,2,3,0,3,2,1,2,0,1,7,0,1 | ungil vm simulate --trace - --frames 3,4
  ungil vm simulate --trace program.trace.gz --frames 100-1000:100 --policy lru,arc,opt --svg faults.svg
  ungil vm simulate --trace lackey.log --no-instructions --frames 256 --tlb 64x4 --json result.json
  ungil vm simulate --trace pages.txt --frames 50 --policy nru,aging --set nru.period=20 --set aging.bits=4

Exit codes: 0; 1 the trace cannot be read; 2 usage; 130 Ctrl-C.`;
}
