/** Pages of the heap in a swap file: what comes back is what left, and what goes wrong with the file goes wrong for its user only. */
import { Dict, Heap, id, List, Scope, scope, thread } from "@ungil/heap";
import { type HeapExports, Kernel, Layout as L, OutOfMemoryError, StorageError } from "@ungil/kernel";
import { expect, it } from "vitest";
import type { Node } from "./fixtures/objects.mjs";
import { failure, inBothModes, machine, random, seed, type TestMachine } from "./support.js";

const MIB = 2 ** 20;
/** As long as strings that are not interned: some 50 of them fill a page. */
const text = (n: number) => `${n}:${"x".repeat(270 + (n % 30))}`;

/** Lists of 100 strings each, in scopes of their own. */
function fill(lists: List<List<string>>, from: number, to: number): void {
  for (let n = from; n < to; n++)
    scope(() => lists.push(new List<string>(Array.from({ length: 100 }, (_, k) => text(100 * n + k)))));
}

function check(lists: List<List<string>>, from: number, to: number): void {
  for (let n = from; n < to; n++)
    scope(() => expect(lists.get(n)?.toArray()).toEqual(Array.from({ length: 100 }, (_, k) => text(100 * n + k))));
}

/** So many lists of a run each, more than memory holds together; nobody else knows them. */
function bigLists(count: number, length: number): List<List<number>> {
  const lists = new List<List<number>>();
  for (let n = 0; n < count; n++) scope(() => lists.push(new List(Array<number>(length).fill(n))));
  return lists;
}

const evictions = (m: TestMachine) => m.counter(L.COUNTER_EVICTIONS);

inBothModes((gil) => {
  it("a heap that is four times as large as memory is all there", () => {
    const m = machine({ gil, mib: 4, slots: 3, swapMib: 32 });
    const lists = new List<List<string>>();
    fill(lists, 0, 500);
    expect(m.objects()).toBeGreaterThan(50_000);
    expect(evictions(m)).toBeGreaterThan(600);
    check(lists, 0, 500);
    m.objects();
    // What was only read has not changed, and leaves without being written again.
    const written = m.counter(L.COUNTER_SWAP_OUTS);
    check(lists, 0, 500);
    expect(m.counter(L.COUNTER_SWAP_OUTS) - written).toBeLessThan(50);
    expect(m.counter(L.COUNTER_SWAP_INS)).toBeGreaterThan(1500);
  });

  it("objects of many pages leave and come back in one piece", () => {
    const m = machine({ gil, mib: 4, slots: 3, swapMib: 32 });
    const lists = Array.from(
      { length: 12 },
      (_, k) => new List<number>(Array.from({ length: 60_000 }, (_, n) => n * k)),
    );
    const dict = new Dict<number, number>();
    for (let n = 0; n < 30_000; n++) dict.set(n, -n);
    for (const [k, list] of lists.entries()) expect([list.length, list.get(59_999)]).toEqual([60_000, 59_999 * k]);
    for (let n = 0; n < 30_000; n += 7) expect(dict.get(n)).toBe(-n);
    expect(evictions(m)).toBeGreaterThan(100);
    for (const [k, list] of lists.entries()) list.set(40_000, k);
    for (const [k, list] of lists.entries()) expect([list.get(40_000), list.get(40_001)]).toEqual([k, 40_001 * k]);
    m.objects();
  });

  it("memory and swap file together are all there is, and the heap stays usable", () => {
    const m = machine({ gil, mib: 4, slots: 3, swapMib: 4 });
    const lists = new List<List<string>>();
    expect(() => fill(lists, 0, 10_000)).toThrow(OutOfMemoryError);
    const { length } = lists;
    expect(length).toBeGreaterThan(150); // 8 MiB less what the kernel needs
    check(lists, 0, length);
    m.objects();
    for (let n = 0; n < 100; n++) scope(() => void lists.pop());
    m.settle();
    fill(lists, length - 100, length - 20);
    check(lists, 0, length - 20);
    m.objects();
  });

  it("a page that cannot be written stays, and one that cannot be read is its reader's error", () => {
    const m = machine({ gil, mib: 4, slots: 3, swapMib: 32 });
    const lists = new List<List<string>>();
    fill(lists, 0, 100);
    const swap = m.kernel.swap!;
    const { read, write } = swap;
    swap.write = () => false;
    expect(() => fill(lists, 100, 1000)).toThrow(OutOfMemoryError);
    const { length } = lists;
    check(lists, 0, length);
    m.objects();
    swap.write = write;
    fill(lists, length, 400);
    check(lists, 0, 400);

    swap.read = () => {
      swap.error = new Error("the disk is on fire");
      return false;
    };
    const failures: unknown[] = [];
    for (let n = 0; n < 400; n++) {
      try {
        check(lists, n, n + 1);
      } catch (error) {
        failures.push(error);
      }
    }
    expect(failures.length).toBeGreaterThan(200);
    for (const error of failures) {
      expect(error).toBeInstanceOf(StorageError);
      expect((error as Error).cause).toMatchObject({ message: "the disk is on fire" });
    }
    swap.read = read;
    check(lists, 0, 400);
    m.objects();
  });

  it("whatever operation a page is missing for, it leaves what it was about whole", () => {
    const from = seed("swap faults");
    const draw = random(from);
    const m = machine({ gil, mib: 4, slots: 3, swapMib: 64 });
    m.cyclic = Number.NaN; // what an operation had in hand is lost
    const dict = new Dict<string, List<string> | Node>();
    const plain = new Map<string, string>();
    const swap = m.kernel.swap!;
    const { read } = swap;
    let failed = 0;
    for (let n = 0; n < 40_000; n++) {
      const key = `key ${draw(10_000)} ${draw(2) ? "y".repeat(300) : ""}`;
      // The disk fails now and then, once there is something on it.
      swap.read = n < 15_000 || draw(4) ? read : (slot, frame) => draw(3) !== 0 && read.call(swap, slot, frame);
      const before = plain.get(key);
      const wanted = draw(5) ? text(n) : undefined;
      let is: string | undefined;
      try {
        scope(() => {
          if (wanted) dict.set(key, new List([wanted]));
          else dict.delete(key);
        });
        is = wanted;
      } catch (error) {
        swap.read = read;
        expect(error).toBeInstanceOf(StorageError);
        failed++;
        is = scope(() => (dict.get(key) as List<string> | undefined)?.get(0));
        expect([before, wanted]).toContain(is);
      }
      if (is === undefined) plain.delete(key);
      else plain.set(key, is);
    }
    swap.read = read;
    expect(failed).toBeGreaterThan(100);
    for (const [key, value] of plain) expect(scope(() => (dict.get(key) as List<string>).get(0))).toBe(value);
    expect(dict.size).toBe(plain.size);
    const lost = /^(leak|blocks|limbo|dying|count-state|newborn|frame-count|swap): /;
    expect(m.verify().violations.filter((violation) => !lost.test(violation))).toEqual([]);
    m.forget();
  });

  it("what dies at once need not fit into memory", () => {
    const m = machine({ gil, mib: 6, slots: 3, swapMib: 64 });
    const lists = bigLists(16, 150_000);
    const free = m.framesFree();
    scope(() => {
      while (lists.length > 0) lists.pop();
    });
    m.settle();
    expect(m.framesFree()).toBeGreaterThan(free + 64);
    m.objects();
  });

  it.each(["read", "write"] as const)(
    "threads that die while they %s a page leave neither frames nor slots behind",
    (what) => {
      const m = machine({ gil, mib: 4, slots: 3, swapMib: 32 });
      const lists = bigLists(20, 30_000);
      // More often than there is room for the frames of a run of 15 pages.
      for (let round = 0; round < 24; round++) {
        const other = new Heap(new Kernel(m.handle, 2));
        other.kernel.swap![what] = () => {
          throw new Error("the thread ends here");
        };
        const dies = () => {
          other.x.batchBegin();
          const running = new Scope(other, other.x, true);
          thread.scope = running;
          const shared = new (other.wrapOf(L.TYPE_LIST))(id(lists), running) as unknown as List<List<number>>;
          for (let n = 0; n < 20; n++) shared.get(n)?.get(20_000);
        };
        expect(dies).toThrow("the thread ends here");
        thread.scope = m.heap.root;
        (m.heap.x as HeapExports & { syncAbandon(slot: number): void }).syncAbandon(2);
        m.heap.batch(() => m.heap.x.threadAdopt(2));
        other.close();
      }
      m.settle();
      for (let n = 0; n < 20; n++) expect(lists.get(n)?.get(20_000)).toBe(n);
      m.objects();
    },
  );

  it("a folder that cannot hold a swap file is refused", async () => {
    const { openSwap } = await import("@ungil/kernel");
    expect(failure(() => openSwap(16 * MIB, "/nowhere/at/all"))).toMatch(
      /^STORAGE: There can be no swap file in \/nowhere/,
    );
  });
});

it("what dies need not fit into memory, nor while another thread is in the middle of something", () => {
  const m = machine({ gil: false, mib: 6, slots: 3, swapMib: 64 });
  const lists = bigLists(60, 40_000);
  const other = m.slot(2);
  scope(() => {
    while (lists.length > 0) lists.pop();
  });
  m.step(m.heap);
  m.step(m.heap); // no thread knows them any more
  other.x.batchBegin();
  const before = m.framesFree();
  expect(m.heap.x.reclaim()).toBe(1);
  expect(m.framesFree()).toBeGreaterThan(before);
  other.x.batchEnd();
  m.objects();
});
