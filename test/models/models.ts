// Protocol models in Promela, and what their headers say: the variants that must pass or fail, the sources they stand for.
import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const execute = promisify(execFile);

const FOLDER = import.meta.dirname;

export interface Variant {
  /** Compiler definitions, with blanks between; "" for the protocol as it is. */
  flags: string;
  fails: boolean;
  why: string;
}

export interface Model {
  name: string;
  variants: Variant[];
  /** Symbols of the kernel that the model's steps stand for. */
  sources: { file: string; symbols: string[] }[];
}

export function models(): Model[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith(".pml"))
    .sort()
    .map((file) => {
      const text = readFileSync(join(FOLDER, file), "utf8");
      return { name: file, variants: variantsOf(text), sources: sourcesOf(text) };
    });
}

function variantsOf(text: string): Variant[] {
  return [...text.matchAll(/^ \* @variant (.+?) (passes|fails)(?:: (.*))?$/gm)].map(([, flags, verdict, why]) => ({
    flags: flags === "(none)" ? "" : flags!,
    fails: verdict === "fails",
    why: why ?? "",
  }));
}

function sourcesOf(text: string): Model["sources"] {
  return [...text.matchAll(/^ \* @source (\S+) (.+)$/gm)].map(([, file, symbols]) => ({
    file: file!,
    symbols: symbols!.split(" "),
  }));
}

/** Why models cannot be checked here; null if they can. */
export function missing(): string | null {
  for (const [program, flag] of [
    ["spin", "-V"],
    ["gcc", "--version"],
  ] as const) {
    try {
      execFileSync(program, [flag], { stdio: "ignore" });
    } catch {
      return `${program} is not installed (Debian: apt-get install spin gcc)`;
    }
  }
  return null;
}

export interface Checked {
  errors: number;
  states: number;
  /** The search was exhaustive: neither depth nor memory ran out. */
  complete: boolean;
  output: string;
}

/** Checks one variant of a model exhaustively. Bounded by `seconds`. */
export async function check(model: string, flags: string, seconds: number): Promise<Checked> {
  const folder = mkdtempSync(join(tmpdir(), "ungil-model-"));
  const options = { cwd: folder, timeout: seconds * 1000, killSignal: "SIGKILL", maxBuffer: 1 << 26 } as const;
  const run = async (program: string, args: string[]) => (await execute(program, args, options)).stdout;
  try {
    const definitions = flags
      .split(" ")
      .filter(Boolean)
      .map((flag) => `-D${flag}`);
    await run("spin", ["-a", ...definitions, join(FOLDER, model)]);
    await run("gcc", ["-O2", "-DSAFETY", "-DCOLLAPSE", "-DVECTORSZ=2048", "-w", "-o", "pan", "pan.c"]);
    const output = await run("./pan", ["-m1000000"]);
    return {
      errors: Number(/errors: (\d+)/.exec(output)?.[1] ?? Number.NaN),
      states: Number(/(\d+) states, stored/.exec(output)?.[1] ?? 0),
      complete: !/Search not completed|max search depth too small|out of memory/.test(output),
      output,
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
