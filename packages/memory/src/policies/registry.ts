/** The policies by slug: what they are called, where they come from, and the options that they take. */
import { PolicyError } from "../errors.js";
import { Aging } from "./aging.js";
import { Arc } from "./arc.js";
import { Clock } from "./clock.js";
import { ClockPro } from "./clock-pro.js";
import { Fifo } from "./fifo.js";
import { Lfu } from "./lfu.js";
import { Lirs } from "./lirs.js";
import { Lru } from "./lru.js";
import { Nru } from "./nru.js";
import { Opt } from "./opt.js";
import type { ReplacementPolicy } from "./policy.js";
import { S3Fifo } from "./s3-fifo.js";
import { Sieve } from "./sieve.js";
import { TwoQueue } from "./two-queue.js";
import { WTinyLfu } from "./w-tinylfu.js";
import { WorkingSet } from "./working-set.js";

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
  define("nru", {
    title: "not recently used",
    source: "Tanenbaum, Modern Operating Systems, 3.4.2",
    options: {
      period: {
        about: "references from one clearing of the referenced bits to the next; 0: as many as frames",
        default: 0,
      },
      seed: { about: "of the draw within a class", default: 1, most: 2 ** 32 - 1 },
    },
    make: (capacity, { period, seed }) => new Nru(capacity, period, seed),
  }),
  define("lfu", {
    title: "least frequently used, ties to the least recent",
    source: "Shah, Mitra, Matani, An O(1) algorithm for implementing the LFU cache eviction scheme, 2010",
    make: (capacity) => new Lfu(capacity),
  }),
  define("aging", {
    title: "aging (counters that are shifted)",
    source: "Tanenbaum, Modern Operating Systems, 3.4.7",
    options: {
      period: { about: "references from one tick to the next; 0: as many as frames", default: 0 },
      bits: { about: "of a counter", default: 8, least: 1, most: 16 },
    },
    make: (capacity, { period, bits }) => new Aging(capacity, period, bits),
  }),
  define("2q", {
    title: "2Q, full version",
    source: "Johnson, Shasha, VLDB 1994",
    options: {
      kin: { about: "share of the frames for pages seen once", default: 0.25, least: 0, most: 1, fraction: true },
      kout: { about: "pages remembered, times frames", default: 0.5, least: 0, most: 16, fraction: true },
    },
    make: (capacity, { kin, kout }) => new TwoQueue(capacity, kin, kout),
  }),
  define("arc", {
    title: "ARC, adaptive replacement cache",
    source: "Megiddo, Modha, FAST 2003",
    make: (capacity) => new Arc(capacity),
  }),
  define("lirs", {
    title: "LIRS, low inter-reference recency set",
    source: "Jiang, Zhang, SIGMETRICS 2002",
    options: {
      hir: {
        about: "share of the frames for HIR pages (two frames at least)",
        default: 0.01,
        least: 0,
        most: 1,
        fraction: true,
      },
      ghosts: { about: "non-resident pages remembered, times frames", default: 2, least: 0, most: 16, fraction: true },
    },
    make: (capacity, { hir, ghosts }) => new Lirs(capacity, hir, ghosts),
  }),
  define("clock-pro", {
    title: "CLOCK-Pro, adaptive",
    source: "Jiang, Chen, Zhang, USENIX ATC 2005",
    options: {
      cold: { about: "least share of the frames for cold pages", default: 0.01, least: 0, most: 1, fraction: true },
    },
    make: (capacity, { cold }) => new ClockPro(capacity, cold),
  }),
  define("s3-fifo", {
    title: "S3-FIFO, three static FIFO queues",
    source: "Yang et al., SOSP 2023",
    options: {
      small: { about: "share of the frames for the small queue", default: 0.1, least: 0, most: 1, fraction: true },
    },
    make: (capacity, { small }) => new S3Fifo(capacity, small),
  }),
  define("sieve", {
    title: "SIEVE",
    source: "Zhang et al., NSDI 2024",
    make: (capacity) => new Sieve(capacity),
  }),
  define("w-tinylfu", {
    title: "W-TinyLFU, a window before a segmented LRU",
    source: "Einziger, Friedman, Manes, ACM TOS 13(4), 2017",
    options: {
      window: { about: "share of the frames for the window", default: 0.01, least: 0, most: 1, fraction: true },
      protected: {
        about: "share of the main space for protected pages",
        default: 0.8,
        least: 0,
        most: 1,
        fraction: true,
      },
      sample: { about: "references, times frames, until all counts are halved", default: 10, least: 1, most: 1000 },
    },
    make: (capacity, options) => new WTinyLfu(capacity, options.window, options.protected, options.sample),
  }),
  define("working-set", {
    title: "working set",
    source: "Denning, CACM 11(5), 1968",
    stack: true,
    options: { tau: { about: "the window, in references; 0: as many as frames", default: 0 } },
    make: (capacity, { tau }) => new WorkingSet(capacity, tau),
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
