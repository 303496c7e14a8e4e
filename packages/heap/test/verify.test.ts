/** The verifier sees what it says it sees: memory is damaged in every way that it has a name for. */
import { readdirSync, readFileSync } from "node:fs";
import { id, scope, verifyHeap, Weak } from "@ungil/heap";
import { Layout as L } from "@ungil/kernel";
import { expect, it } from "vitest";
import { Node, type Specimen, withSpecimen } from "./specimen.js";
import { inBothModes, machine } from "./support.js";

type Damage = [name: string, what: string, damage: (s: Specimen) => void];

const damages: Damage[] = [
  ["arena-map", "a page in use is free in its arena", (s) => s.flip(L.CB_ARENA_MAP, s.page(s.node))],
  ["page-state", "a page of no kind", (s) => s.put(s.pd(s.page(s.node), L.PD_STATE), 9)],
  [
    "page-shape",
    "a capacity that is not the page's",
    (s) => s.change(s.pd(s.page(s.node), L.PD_CAPACITY), (n) => n + 1),
  ],
  ["page-shape", "more blocks carved than there are", (s) => s.put(s.pd(s.page(s.node), L.PD_CARVED), 5000)],
  ["page-list", "a listed page says that it is full", (s) => s.put(s.pd(s.page(s.node), L.PD_FULL), 1)],
  [
    "page-list",
    "a list of pages was lost",
    (s) => s.put(s.tb(L.TB_BINS) + 4 * s.word(s.pd(s.page(s.node), L.PD_CLASS)), 0),
  ],
  ["page-list", "a page in another thread's list", (s) => s.put(s.pd(s.page(s.node), L.PD_OWNER), 2)],
  [
    "free-list",
    "a free block in the middle of a block",
    (s) => s.change(s.pd(s.page(s.node), L.PD_FREE), (n) => n + 4),
  ],
  [
    "free-list",
    "a cycle",
    (s) => {
      const free = s.word(s.pd(s.page(s.node), L.PD_FREE));
      s.put(s.kernel.walk(free) + 4, free);
    },
  ],
  ["free-list", "a live block", (s) => s.put(s.kernel.walk(s.word(s.pd(s.page(s.node), L.PD_FREE))), L.TYPE_LIST)],
  [
    "thread-free-list",
    "no block",
    (s) => s.put(s.pd(s.page(s.node), L.PD_THREAD_FREE), (s.page(s.node) << L.PAGE_SHIFT) + 8),
  ],
  ["open-page", "in the middle of a block", (s) => s.change(s.bump(s.kernel.block, 0), (next) => next + 4)],
  ["open-page", "not carved whole", (s) => s.change(s.pd(s.page(s.node), L.PD_CARVED), (n) => n - 1)],
  ["open-page", "the end of no page", (s) => s.change(s.bump(s.kernel.block, 1), (end) => end + 32)],
  [
    "open-page",
    "another thread's",
    (s) => {
      for (const word of [0, 1] as const) {
        s.put(s.bump(s.kernel.threadBlock(3), word), s.word(s.bump(s.kernel.block, word)));
        s.put(s.bump(s.kernel.block, word), 0);
      }
    },
  ],
  ["history", "written after a cut to come", (s) => s.put(s.history(L.HISTORY_WRITTEN), 7)],
  ["history", "a version of another page", (s) => s.change(s.version + L.VERSION_PAGE, (page) => page + 1)],
  ["history", "a version of no cut", (s) => s.put(s.version + L.VERSION_FROM, 0)],
  ["history", "a chain that goes round", (s) => s.put(s.version + L.VERSION_NEXT, s.version)],
  [
    "frame",
    "a version in the frame of its page",
    (s) => s.put(s.version + L.VERSION_FRAME, s.kernel.walk((s.page(s.node) << L.PAGE_SHIFT) >>> 0)),
  ],
  [
    "page-entry",
    "in memory and in the swap file",
    (s) => s.change(s.pte(s.page(s.node)), (flags) => flags | L.PTE_SWAPPED),
  ],
  ["swap", "a copy in a free slot", (s) => s.put(s.copy(s.page(s.node)), 5)],
  ["swap", "a copy beyond the end of the file", (s) => s.put(s.copy(s.page(s.node)), 100_000)],
  ["swap", "a slot that is nobody's", (s) => s.flip(L.CB_SWAP_MAP, 3)],
  [
    "swap",
    "a page that has never been written",
    (s) => {
      s.put(s.pte(s.page(s.node)), L.PTE_SWAPPED);
      s.put(s.pte(s.page(s.node)) + 4, 90);
    },
  ],
  ["page-equation", "one block more in use", (s) => s.change(s.pd(s.page(s.node), L.PD_USED), (n) => n + 1)],
  ["blocks", "a live object without a type", (s) => s.put(s.at(s.node), 0)],
  ["type", "a type that is not there", (s) => s.put(s.at(s.node), 31)],
  ["type", "a struct type that was never registered", (s) => s.put(s.at(s.node), 4000)],
  ["type", "a large object of no type", (s) => s.put(s.kernel.walk(s.run << L.PAGE_SHIFT), 77)],
  ["run", "a page of a run that is none", (s) => s.put(s.pd(s.run + 1, L.PD_STATE), L.PAGE_FREE)],
  ["run", "a run in pieces", (s) => s.change(s.pte(s.run + 1) + 4, (frame) => frame + 1)],
  ["run", "a run longer than memory", (s) => s.put(s.pd(s.run, L.PD_RUN_PAGES), 1_000_000_000)],
  ["retired", "a free run that nobody will unmap", (s) => s.put(s.kernel.walk(s.run << L.PAGE_SHIFT), 0)],
  ["retired", "a retired run that is an object", (s) => s.put(s.tb(L.TB_RETIRED_HEAD), s.pd(s.run, 0))],
  ["null-page", "page 0 is mapped", (s) => s.put(s.pte(0), L.PTE_PRESENT)],
  [
    "frame",
    "two pages with one frame",
    (s) =>
      s.put(s.pte(s.page(s.node)) + 4, s.word(s.pte(s.page(s.list)) + 4) + (s.page(s.node) === s.page(s.list) ? 1 : 0)),
  ],
  [
    "frame",
    "a list in the frame of a page",
    (s) => s.put(s.tb(L.TB_CHUNKS), s.kernel.walk((s.page(s.node) << L.PAGE_SHIFT) >>> 0)),
  ],
  ["frame-map", "a mapped frame that is free", (s) => s.flip(L.CB_FRAME_MAP, s.word(s.pte(s.page(s.node)) + 4))],
  ["frame-map", "a page with no frame of this memory", (s) => s.put(s.pte(s.run) + 4, s.kernel.control(L.CB_FRAMES))],
  ["frame-lost", "a frame in use that nobody has", (s) => s.put(s.tb(L.TB_CHUNKS), 0)],
  ["version-records", "one more in use than there are", (s) => s.change(L.CB + L.CB_VERSIONS, (n) => n + 1)],
  ["version-records", "free ones are lost", (s) => s.put(L.CB + L.CB_VERSION_FREE, 0)],
  ["frame-count", "one free frame more", (s) => s.change(L.CB + L.CB_FRAMES_FREE, (n) => n + 1)],
  ["chunk", "a spare chunk that is no frame", (s) => s.put(s.tb(L.TB_CHUNKS), 12_344)],
  [
    "chunk",
    "a list of chunks that goes round",
    (s) => s.put(s.word(s.tb(L.TB_BORROW_FIRST)) + 4, s.word(s.tb(L.TB_BORROW_FIRST))),
  ],
  ["dangling", "a reference to a free block", (s) => s.put(s.at(s.node, 20), s.word(s.pd(s.page(s.node), L.PD_FREE)))],
  [
    "dangling",
    "an element into the middle of an object",
    (s) => s.change(s.part(s.list, L.LIST_ITEMS) + L.VALUES_DATA + 16, (n) => n + 16),
  ],
  ["object-shape", "a list longer than its items", (s) => s.put(s.at(s.list, L.LIST_LENGTH), 4000)],
  [
    "object-shape",
    "an array larger than its block",
    (s) => s.put(s.part(s.list, L.LIST_ITEMS) + L.VALUES_CAPACITY, 1_000_000),
  ],
  ["object-shape", "a table of 3 entries", (s) => s.put(s.part(s.dict, L.DICT_TABLES) + L.TABLE_CAPACITY, 3)],
  ["object-shape", "a text longer than its block", (s) => s.put(s.kernel.walk(s.text("a text")) + L.STR_LENGTH, 1000)],
  [
    "object-shape",
    "more pins than there is room for",
    (s) => s.put(s.kernel.walk(s.word(s.tb(L.TB_CACHE_PINS))) + L.PINS_COUNT, 100_000),
  ],
  ["lock", "a list is locked", (s) => s.change(s.at(s.list), (header) => header | L.HEADER_SPIN)],
  ["lock", "a shard of a dict is locked", (s) => s.put(s.at(s.dict, L.DICT_LOCKS), 4)],
  [
    "lock",
    "a thread holds a lock",
    (s) => s.put(s.kernel.threadBlock(3) + L.TB_JOURNAL_LOCK, s.at(s.dict, L.DICT_LOCKS)),
  ],
  ["lock", "the type table is locked", (s) => s.put(L.CB + L.CB_TYPE_LOCK, 2)],
  [
    "table",
    "a table that counts one entry more",
    (s) => s.change(s.part(s.dict, L.DICT_TABLES) + L.TABLE_COUNT, (n) => n + 1),
  ],
  [
    "table",
    "a table that forgets a deleted one",
    (s) => s.change(s.part(s.dict, L.DICT_TABLES) + L.TABLE_USED, (n) => n - 1),
  ],
  [
    "frozen",
    "a value as if its table were being replaced",
    (s) => {
      const table = s.part(s.dict, L.DICT_TABLES);
      for (let entry = table + L.TABLE_DATA; ; entry += L.ENTRY_SIZE) {
        if (s.word(entry + 4) >>> 16 === L.BOX_HOLE) continue;
        return s.put(entry + 12, (L.BOX_FROZEN << 16) >>> 0);
      }
    },
  ],
  [
    "shard",
    "two shards changed places",
    (s) => {
      const [a, b] = [s.at(s.dict, L.DICT_TABLES), s.at(s.dict, L.DICT_TABLES + 4)];
      const [first, second] = [s.word(a), s.word(b)];
      s.put(a, second);
      s.put(b, first);
    },
  ],
  [
    "newborn",
    "a newborn that no scope knows",
    (s) => s.put(s.part(s.list, L.LIST_ITEMS) + L.OBJECT_COUNT, L.COUNT_NEWBORN),
  ],
  [
    "count-state",
    "a newborn that is counted",
    (s) => s.change(s.at(s.node, L.OBJECT_COUNT), (word) => word | L.COUNT_NEWBORN),
  ],
  [
    "borrow-list",
    "a handle on a free block",
    (s) => s.put(s.word(s.tb(L.TB_BORROW_TOP)) - 4, s.word(s.pd(s.page(s.node), L.PD_FREE))),
  ],
  [
    "destroy-stack",
    "a dying object that is none",
    (s) => {
      s.put(s.word(s.tb(L.TB_DESTROY_TOP)), 0x3330);
      s.change(s.tb(L.TB_DESTROY_TOP), (top) => top + 4);
    },
  ],
  ["limbo", "an entry that was not counted", (s) => s.change(s.tb(L.TB_LIMBO_COUNT), (n) => n + 1)],
  ["limbo", "an entry that is no object", (s) => s.put(s.word(s.tb(L.TB_LIMBO_TOP)) - 8, 0x5550)],
  ["limbo", "an entry without the flag", (s) => s.put(s.word(s.tb(L.TB_LIMBO_TOP)) - 8, id(s.list))],
  ["limbo", "the flag without an entry", (s) => s.change(s.at(s.list, L.OBJECT_COUNT), (word) => word | L.COUNT_LIMBO)],
  [
    "limbo",
    "an object twice",
    (s) => {
      const top = s.word(s.tb(L.TB_LIMBO_TOP));
      s.put(top - 16, s.word(top - 8));
    },
  ],
  ["pins", "pins that are no object", (s) => s.put(s.tb(L.TB_OWN_PINS), 0x7770)],
  ["leak", "one count too many", (s) => s.change(s.at(s.node, L.OBJECT_COUNT), (word) => word + L.COUNT_ONE)],
  ["count", "one count too few", (s) => s.change(s.at(s.node, L.OBJECT_COUNT), (word) => word - L.COUNT_ONE)],
  ["count-state", "count 0, and nobody's", (s) => s.put(s.at(s.large, L.OBJECT_COUNT), 0)],
  [
    "count-state",
    "count 0, a newborn and in limbo",
    (s) => s.put(s.at(s.large, L.OBJECT_COUNT), L.COUNT_NEWBORN | L.COUNT_LIMBO),
  ],
  [
    "dying",
    "a dying object on no stack",
    (s) => s.change(s.at(s.node, L.OBJECT_COUNT), (word) => word | L.COUNT_DYING),
  ],
  ["intern", "a string that its bucket has lost", (s) => s.put(s.bucket(s.text("a text")), 0)],
  ["intern", "a string in another bucket", (s) => s.put(s.bucket(s.text("a text")) ^ 4, s.text("a text"))],
  ["intern", "a chain that goes round", (s) => s.put(s.kernel.walk(s.text("a text")) + L.STR_NEXT, s.text("a text"))],
  [
    "intern",
    "a string twice",
    (s) => {
      const [one, two] = [s.text("key 1"), s.text("key 2")];
      for (let n: number = L.STR_HASH; n < 28; n += 4)
        if (n !== L.STR_NEXT) s.put(s.kernel.walk(two) + n, s.word(s.kernel.walk(one) + n));
      s.change(s.kernel.walk(two) + L.STR_NEXT, () => 0);
      s.put(s.kernel.walk(one) + L.STR_NEXT, two);
    },
  ],
  [
    "intern-filter",
    "a bucket that hides its string",
    (s) => s.put(s.bucket(s.text("a text")) - s.kernel.control(L.CB_INTERN) + s.kernel.control(L.CB_INTERN_FILTERS), 0),
  ],
  ["intern-lock", "a bucket is locked", (s) => s.change(s.bucket(s.text("a text")), (head) => head | 1)],
  ["weak-lock", "a bucket of weak cells is locked", (s) => s.change(s.cells(new Weak(s.node)), (head) => head | 1)],
  ["weak", "a cell in no bucket", (s) => s.put(s.cells(new Weak(s.node)), 0)],
  [
    "weak",
    "a cell in a bucket of other objects",
    (s) => s.change(s.at(new Weak(s.node), L.WEAK_TARGET), (va) => va + 16),
  ],
  [
    "weak",
    "a cell that has another one before it, and is the first",
    (s) => s.put(s.at(new Weak(s.node), L.WEAK_PREVIOUS), 64),
  ],
  [
    "weak",
    "an object that does not know of its cell",
    (s) => {
      expect(new Weak(s.node).get()).toBeDefined();
      s.change(s.at(s.node), (header) => header & ~L.HEADER_HAS_WEAK);
    },
  ],
  [
    "weak",
    "an object with a cell that is a newborn",
    (s) => {
      expect(new Weak(s.node).get()).toBeDefined();
      s.change(s.at(s.node, L.OBJECT_COUNT), (word) => word | L.COUNT_NEWBORN);
    },
  ],
  [
    "weak",
    "a cell that is said to be due",
    (s) => s.change(s.at(new Weak(s.node), L.WEAK_STATE), (state) => state | L.WEAK_DUE),
  ],
  ["weak-queue", "no cell is due", (s) => s.put(L.CB + L.CB_WEAK_DUE_HEAD, 64)],
  ["weak-queue", "another end", (s) => s.put(L.CB + L.CB_WEAK_DUE_TAIL, id(new Weak(s.node)))],
];

it("each violation that the verifier can report is tested here", () => {
  const folder = new URL("../src/", import.meta.url);
  const names = readdirSync(folder)
    .filter((file) => file.startsWith("verify"))
    .flatMap((file) => [
      ...readFileSync(new URL(file, folder), "utf8").matchAll(
        /(?:violation|known|checkFreeList)\(\s*(?:[^"()]*(?:\([^()]*\))?[^"()]*,\s*)?"([a-z-]+)"/g,
      ),
    ])
    .map((match) => match[1]);
  expect(new Set(names).size).toBeGreaterThan(25);
  expect([...new Set(names)].sort()).toEqual([...new Set(damages.map(([name]) => name))].sort());
});

inBothModes((gil) => {
  it("finds nothing in a heap in the middle of a step", () => {
    const m = machine({ gil, swapMib: 2 });
    withSpecimen(m, (s) => {
      expect(verifyHeap(m.kernel, []).violations).toEqual([]);
      expect(s.word(s.tb(L.TB_LIMBO_COUNT))).toBeGreaterThan(5);
    });
    m.heap.x.batchEnd();
  });

  it.each(damages)("%s: %s", (name, _, damage) => {
    const m = machine({ gil, swapMib: 2 });
    withSpecimen(m, (s) => {
      damage(s);
      const { violations } = verifyHeap(m.kernel, []);
      expect(violations.map((line) => line.split(":")[0])).toContain(name);
      expect(violations.length).toBeLessThanOrEqual(100);
    });
    m.forget();
  });

  it("a leak is one only when all threads stand still", () => {
    const m = machine({ gil });
    withSpecimen(m, (s) => {
      s.change(s.at(s.node, L.OBJECT_COUNT), (word) => word + L.COUNT_ONE);
      expect(verifyHeap(m.kernel, [], false).violations).toEqual([]);
      expect(verifyHeap(m.kernel, [id(s.node)]).violations).toEqual([]);
    });
    m.forget();
  });

  it("reports at most a hundred", () => {
    const m = machine({ gil });
    m.heap.batch(() =>
      scope(() => {
        const nodes = Array.from({ length: 300 }, () => new Node({}));
        for (const node of nodes) m.kernel.u32[(m.kernel.walk(id(node)) + L.OBJECT_COUNT) >>> 2] = 0;
        expect(verifyHeap(m.kernel, []).violations).toHaveLength(100);
        for (const node of nodes) m.kernel.u32[(m.kernel.walk(id(node)) + L.OBJECT_COUNT) >>> 2] = L.COUNT_NEWBORN;
      }),
    );
  });
});
