// The programs, in the order of their numbers in the kernel (packages/kernel/assembly/bench-alloc.ts).

export interface Program {
  name: string;
  about: string;
  /** How many threads the original has: one, or several. */
  threads: 1 | 2;
  /** Operations of a thread in a timed run. */
  operations: number;
  /** Each slice is the whole life of a thread. */
  lives?: boolean;
}

export const PROGRAMS: readonly Program[] = [
  {
    name: "larson",
    about: "a server: random blocks are replaced, threads come and go",
    threads: 2,
    operations: 400_000,
  },
  { name: "xmalloc-test", about: "one thread allocates, another one frees", threads: 2, operations: 400_000 },
  { name: "sh6bench", about: "batches of one size, freed in several orders", threads: 1, operations: 600_000 },
  { name: "sh8bench", about: "the same, freed by other threads", threads: 2, operations: 400_000 },
  { name: "cache-scratch", about: "passive false sharing", threads: 2, operations: 20_000 },
  { name: "cache-thrash", about: "active false sharing", threads: 2, operations: 20_000 },
  { name: "mstress", about: "small and large blocks, swapped between threads", threads: 2, operations: 400_000 },
  { name: "rptest", about: "sizes that fall off, batches that change hands", threads: 2, operations: 300_000 },
  { name: "alloc-test", about: "lives of very different length", threads: 1, operations: 400_000 },
  {
    name: "mleak",
    about: "threads of short life, which leave blocks behind",
    threads: 1,
    operations: 200_000,
    lives: true,
  },
  { name: "pairs, newest first", about: "allocating and freeing alone", threads: 1, operations: 1_000_000 },
  { name: "pairs, oldest first", about: "the same", threads: 1, operations: 1_000_000 },
  { name: "pairs, mixed", about: "the same", threads: 1, operations: 1_000_000 },
];

/** The first ten are other people's; the rest says what one operation costs. */
export const PORTS = 10;

export interface Job {
  program: number;
  rank: number;
  threads: number;
  board: number;
  /** Full patterns, and live bytes are counted: for checks, not for time. */
  full: boolean;
  operations: number;
  /** Operations between two safepoints. */
  slice: number;
}

export interface Done {
  ms: number;
  operations: number;
  /** Atomic additions a second on this thread, just before and just after. */
  floors: number[];
  /** Fewest frames that were free after a slice. */
  framesLeast: number;
}
