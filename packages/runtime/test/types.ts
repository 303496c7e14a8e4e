// Checked by the type checker only: what it infers, and what users must not write.
import { type Class, Dict, dict, f64, type List, list, ref, str, struct } from "@ungil/heap";
import {
  all,
  coroutines,
  join,
  lock,
  Runtime,
  type SavedImage,
  type Snapshot,
  type Steps,
  type SwapSettings,
  sleep,
  spawn,
  Task,
  until,
  type VirtualMemoryStats,
} from "@ungil/runtime";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const check = <T extends true>(): T | undefined => undefined;

class Account extends struct("TypedAccount", {
  owner: str,
  balance: f64,
  next: ref((): Class<Account> => Account),
  log: list<string>(),
}) {
  get empty(): boolean {
    return this.balance === 0;
  }
}

class Job extends struct("TypedJob", {
  any: ref((): Class<Task<unknown>> => Task),
  count: ref((): Class<Task<number>> => Task),
}) {}

const where = { url: "file:///types.mjs" };

export const { transfer, fib, loop, give, many, nothing, plain, open, forever, task } = coroutines(where, {
  *transfer(from: Account, to: Account, amount: number) {
    const guard = yield* lock(from, to);
    from.balance -= amount;
    guard.release();
    return from.balance;
  },
  *fib(n: number): Steps<number> {
    if (n < 2) return n;
    yield;
    const a = yield* spawn(fib, n - 1);
    check<Equal<typeof a, Task<number>>>();
    return (yield* a) + (yield* fib(n - 2));
  },
  *loop(account: Account) {
    for (let at: Account | null = account; at; at = at.next) yield;
  },
  *give(names: string[], options: { deep: { n: number }; big: bigint | null }, log: List<string>) {
    log.push(names[0] ?? "");
    return { names, n: options.deep.n };
  },
  *many(): Steps<string> {
    const task = yield* spawn(fib, 3);
    const results = yield* all([task, sleep(1), until(Promise.resolve("x")), fib(2)]);
    check<Equal<typeof results, [number, void, string, number]>>();
    const joined = yield* join(task);
    check<Equal<typeof joined, number>>();
    return results[2];
  },
  *nothing() {},
  *plain(tree: Tree, options?: { loud: boolean; times?: number }) {
    return options?.loud ? [tree] : null;
  },
  *open(anything: any, something: unknown, more: [number, string], by: Record<string, number[]>) {
    return { anything, something, n: more[0], length: Object.keys(by).length };
  },
  *forever(log: List<Dict<string, Account>>): Steps<never> {
    log.pop();
    for (;;) yield;
  },
  *task(n: number): Steps<Task<number>> {
    return yield* spawn(fib, n);
  },
});

// As in the README, with types: what names a coroutine of the same group has the type of its result.
class Page extends struct("TypedPage", { url: str, words: dict<string, number>() }) {}

export const { crawl, read, counted, jobs } = coroutines(where, {
  *crawl(urls: string[]): Steps<{ words: Dict<string, number>; first: number; total: number }> {
    const words = new Dict<string, number>();
    const tasks: Task<number>[] = [];
    for (const url of urls) tasks.push(yield* spawn(read, new Page({ url, words })));
    const first = yield* tasks[0] as Task<number>;
    const lengths = yield* all(tasks);
    return { words, first, total: lengths.reduce((a, b) => a + b) };
  },
  *read(page: Page): Steps<number> {
    const text = yield* until(Promise.resolve(`the text of ${page.url}`));
    return yield* counted(page.words as Dict<string, number>, text);
  },
  *counted(words: Dict<string, number>, text: string) {
    for (const word of text.split(" ")) words.add(word, 1);
    yield;
    return text.length;
  },
  *jobs(job: Job): Steps<number> {
    job.count = yield* spawn(fib, 3);
    job.any = job.count;
    // @ts-expect-error a task of something else
    job.count = yield* spawn(many);
    return job.count ? yield* job.count : 0;
  },
});

interface Tree {
  name: string;
  parent?: Tree;
  children: readonly Tree[];
}

export async function use(rt: Runtime): Promise<void> {
  const a = rt.new(Account, { owner: "Ada", balance: 10 });
  const b: Account = rt.new(Account, { owner: "Bob" });
  const left = await rt.run(transfer, a, b, 5);
  check<Equal<typeof left, number>>();
  const task = rt.spawn(many);
  check<Equal<typeof task, Task<string>>>();
  const text = await task;
  check<Equal<typeof text, string>>();
  const given = await rt.run(
    { signal: AbortSignal.timeout(1) },
    give,
    ["x"],
    { deep: { n: 1 }, big: 1n },
    a.log as List<string>,
  );
  check<Equal<typeof given, { names: string[]; n: number }>>();
  const empty: boolean = a.empty;
  const owner: string | undefined = a.next?.next?.owner;
  void [empty, owner];
  await rt.run(nothing);
  const trees = await rt.run(plain, { name: "x", children: [] });
  check<Equal<typeof trees, Tree[] | null>>();
  await rt.close({ timeout: 10 });

  // @ts-expect-error arguments in the wrong order
  await rt.run(transfer, a, 5, b);
  // @ts-expect-error an argument is missing
  await rt.run(transfer, a, b);
  // @ts-expect-error one too many
  await rt.run(fib, 1, 2);
  // @ts-expect-error a generator that is not registered
  await rt.run(function* () {});
  // @ts-expect-error no such option
  await rt.close({ timeuot: 1 });
  // @ts-expect-error no such field
  rt.new(Account, { name: "x" });
}

class Instance {
  run(): void {}
}

export const wrong = [
  coroutines(where, {
    // @ts-expect-error a function cannot be shared
    *call(f: () => void) {
      f();
      yield;
    },
  }),
  coroutines(where, {
    // @ts-expect-error nor a Map
    *map(m: Map<string, string>) {
      m.clear();
      yield;
    },
  }),
  coroutines(where, {
    // @ts-expect-error nor a symbol in an array
    *symbols(list: symbol[]) {
      list.pop();
      yield;
    },
  }),
  coroutines(where, {
    // @ts-expect-error the star is missing
    *noStar(account: Account) {
      yield lock(account);
    },
  }),
  coroutines(where, {
    // @ts-expect-error a promise is waited for with until
    *promise() {
      yield Promise.resolve(1);
    },
  }),
  coroutines(where, {
    // @ts-expect-error a Map inside an object
    *nested(o: { deep: { m?: Map<string, number> } }) {
      void o;
      yield;
    },
  }),
  coroutines(where, {
    // @ts-expect-error a method inside an object
    *method(o: { run(): void }) {
      o.run();
      yield;
    },
  }),
  coroutines(where, {
    // @ts-expect-error an instance of a class with methods
    *instance(o: Instance) {
      o.run();
      yield;
    },
  }),
  coroutines(where, {
    // @ts-expect-error a function among others
    *union(o: string | (() => void)) {
      void o;
      yield;
    },
  }),
  coroutines(where, {
    // @ts-expect-error functions at the end
    *rest(...f: (() => void)[]) {
      void f;
      yield;
    },
  }),
  coroutines(where, {
    // @ts-expect-error a List of Maps
    *listOfMaps(l: List<Map<string, string>>) {
      void l;
      yield;
    },
  }),
  coroutines(where, {
    // @ts-expect-error a Dict of functions
    *dictOfFunctions(d: Dict<string, () => void>) {
      void d;
      yield;
    },
  }),
  coroutines(where, {
    // @ts-expect-error a result is shared too
    *result() {
      return new Map<string, number>();
    },
  }),
  coroutines(where, {
    // @ts-expect-error a promise is waited for with until
    async *asynchronous() {},
  }),
  coroutines(where, {
    // @ts-expect-error the star is missing
    noGenerator(n: number) {
      return n;
    },
  }),
];

export async function virtualMemory(): Promise<number> {
  const settings: SwapSettings = { size: "64MiB", policy: "lirs" };
  const rt = await Runtime.start({ memory: "8MiB", swap: settings });
  // @ts-expect-error a size is needed
  await Runtime.start({ swap: { policy: "lru" } });
  const stats: VirtualMemoryStats = rt.vm.stats();
  check<Equal<typeof rt.vm.policy, string | null>>();
  check<Equal<ReturnType<typeof rt.vm.dump>, string>>();
  // @ts-expect-error figures are read, not written
  stats.evictions.pager = 0;
  return stats.evictions.pager + stats.evictions.direct;
}

export async function images(snapshot: Snapshot, account: Account, log: List<string>) {
  const saved = await snapshot.save(new URL("file:///heap.image"), {
    roots: { account, log },
    onProgress: ({ pages }) => pages,
  });
  check<Equal<typeof saved, SavedImage>>();
  // @ts-expect-error a root is a shared object
  await snapshot.save("heap.image", { roots: { number: 1 } });
  // @ts-expect-error roots are what an image is of
  await snapshot.save("heap.image", {});
  const rt = await Runtime.open("heap.image", { threads: 2, gil: true });
  const ada = rt.root<Account>("account");
  check<Equal<typeof ada, Account & Disposable>>();
  await snapshot.save("heap.image", { roots: rt.roots });
  return rt.run(transfer, ada, rt.root("bob"), saved.pages);
}
