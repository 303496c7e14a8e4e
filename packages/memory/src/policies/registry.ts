/** The policies by slug: what they are called, where they come from, and the options that they take. */
import { PolicyError } from "../errors.js";
import { Clock } from "./clock.js";
import { Fifo } from "./fifo.js";
import { Lru } from "./lru.js";
import { Opt } from "./opt.js";
import type { ReplacementPolicy } from "./policy.js";

export interface PolicyOption {
  about: string;
  default: number | boolean;
  /** Limits of a number. */
  least?: number;
  most?: number;
  /** A share between the limits; otherwise numbers are whole. */
  fraction?: boolean;
}

export type PolicyOptions = Readonly<Record<string, number | boolean>>;

export interface PolicyEntry {
  readonly slug: string;
  readonly title: string;
  /** Where it was published. */
  readonly source: string;
  /** False: it needs the future, so only the simulator can run it. */
  readonly online: boolean;
  /** True: more frames never fault more (inclusion holds). */
  readonly stack: boolean;
  readonly options: Readonly<Record<string, PolicyOption>>;
  /** PolicyError if an option does not exist or is out of its limits. */
  create(capacity: number, options?: PolicyOptions): ReplacementPolicy;
}

interface Definition<O extends Record<string, PolicyOption>> {
  title: string;
  source: string;
  online?: boolean;
  stack?: boolean;
  options?: O;
  make(
    capacity: number,
    options: { [name in keyof O]: O[name]["default"] extends boolean ? boolean : number },
  ): ReplacementPolicy;
}

function define<O extends Record<string, PolicyOption>>(slug: string, definition: Definition<O>): PolicyEntry {
  const { title, source, online = true, stack = false, make } = definition;
  const options: Record<string, PolicyOption> = definition.options ?? {};
  return {
    slug,
    title,
    source,
    online,
    stack,
    options,
    create: (capacity, given = {}) => make(capacity, resolve(slug, options, given) as Parameters<typeof make>[1]),
  };
}

function resolve(slug: string, options: Record<string, PolicyOption>, given: PolicyOptions): PolicyOptions {
  const resolved: Record<string, number | boolean> = {};
  for (const [name, option] of Object.entries(options)) resolved[name] = option.default;
  for (const [name, value] of Object.entries(given)) {
    const option = options[name];
    if (option === undefined) {
      const names = Object.keys(options);
      const has = names.length > 0 ? `it has ${names.join(", ")}` : "it has none";
      throw new PolicyError(`${slug} has no option ${name}: ${has}`);
    }
    const { least = 0, most = Number.MAX_SAFE_INTEGER, fraction = false } = option;
    const good =
      typeof option.default === "boolean"
        ? typeof value === "boolean"
        : typeof value === "number" && value >= least && value <= most && (fraction || Number.isInteger(value));
    if (!good) {
      const kind =
        typeof option.default === "boolean"
          ? "true or false"
          : `${fraction ? "a number" : "a whole number"} from ${least} to ${most}`;
      throw new PolicyError(`${slug}.${name} is ${value}: it must be ${kind}`);
    }
    resolved[name] = value;
  }
  return resolved;
}

const entries: PolicyEntry[] = [
  define("fifo", {
    title: "first in, first out",
    source: "Belady, IBM Systems Journal 5(2), 1966",
    make: (capacity) => new Fifo(capacity),
  }),
  define("lru", {
    title: "least recently used",
    source: "Mattson et al., IBM Systems Journal 9(2), 1970",
    stack: true,
    make: (capacity) => new Lru(capacity),
  }),
  define("clock", {
    title: "CLOCK (second chance)",
    source: "Corbato, A Paging Experiment with the Multics System, 1968",
    options: { referenced: { about: "a page comes in with its reference bit set", default: true as boolean } },
    make: (capacity, { referenced }) => new Clock(capacity, referenced),
  }),
  define("opt", {
    title: "OPT (needs the future)",
    source: "Belady, IBM Systems Journal 5(2), 1966",
    online: false,
    stack: true,
    make: (capacity) => new Opt(capacity),
  }),
];

/** In the order in which reports show them. */
export const POLICIES: ReadonlyMap<string, PolicyEntry> = new Map(entries.map((entry) => [entry.slug, entry]));

/** PolicyError if there is none of that name. */
export function policyEntry(slug: string): PolicyEntry {
  const entry = POLICIES.get(slug);
  if (entry === undefined)
    throw new PolicyError(`there is no policy ${slug}: there are ${[...POLICIES.keys()].join(", ")}`);
  return entry;
}

/** A policy by its slug. */
export function createPolicy(slug: string, capacity: number, options: PolicyOptions = {}): ReplacementPolicy {
  return policyEntry(slug).create(capacity, options);
}
