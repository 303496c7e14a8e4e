// Images: a snapshot saved to a file, and opened again: in the other mode, in another process, by coroutines.
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Dict, is, List, refcount } from "@ungil/heap";
import { Runtime, type RuntimeOptions, tryLock } from "@ungil/runtime";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Cell, grow, move, Pair, sum, Thing, wait } from "./fixtures/images.mjs";
import { fixture, inBothModes, type LooseRuntime, node, opened, start } from "./helpers.js";
import { build, change, difference, random } from "./image-graph.js";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "ungil-images-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
const file = () => path.join(folder, `heap-${files++}.image`);

async function save(rt: LooseRuntime, to: string, roots: Record<string, object>) {
  const snapshot = await rt.snapshot();
  const saved = await snapshot.save(to, { roots });
  snapshot.dispose();
  return saved;
}

const open = (from: string, options: RuntimeOptions = {}) => opened(Runtime.open(from, { threads: 2, ...options }));

const exact = (rt: LooseRuntime) => expect(rt.verify().violations).toEqual([]);

inBothModes("an image", (gil) => {
  it("brings back every kind of object, in the other mode too", async () => {
    const rt = await start({ gil });
    const long = "x".repeat(300);
    const thing = rt.new(Thing, { text: "Ada €", double: -1.5, int: -7, uint: 4e9, flag: true });
    thing.next = thing;
    thing.pair = rt.new(Pair, { left: thing, right: null });
    thing.items = rt.new(List, [1, "two", null, undefined, true, Number.NaN, 2n ** 90n, [1, { a: thing, b: [] }]]);
    thing.items.push(thing.items);
    thing.table = rt.new(Dict, [
      ["short", 1],
      ["語", 2],
      [long, 3],
      [`${long}語`, thing],
      [0, "zero"],
      [-1.5, "minus"],
      [Number.NaN, "nan"],
    ]);
    const large = rt.new(
      List,
      Array.from({ length: 200_000 }, (_, n) => n),
    ); // more than an arena of pages
    const text = "a string of many pages ".repeat(5000);
    const wide = "語".repeat(20_001);
    const many = rt.new(
      Dict,
      Array.from({ length: 30_000 }, (_, n) => [n % 3 ? n : `key ${n}`, n] as const),
    );
    const to = file();
    const saved = await save(rt, to, { thing, large, many, texts: rt.new(List, [text, wide, "short"]) });
    expect(saved).toMatchObject({ generation: 1, compacted: false, locked: 0, bytes: statSync(to).size });
    for (const other of [gil, !gil]) {
      const rt = await open(to, { gil: other });
      exact(rt);
      expect(Object.keys(rt.roots)).toEqual(["thing", "large", "many", "texts"]);
      const { thing, large, many, texts } = rt.roots as any;
      expect([thing.text, thing.double, thing.int, thing.uint, thing.flag]).toEqual(["Ada €", -1.5, -7, 4e9, true]);
      expect([thing.loud, is(thing.next, thing), is(thing.pair.left, thing), thing.pair.right]).toEqual([
        "ADA €",
        true,
        true,
        null,
      ]);
      expect(thing.items.toArray().slice(0, 7)).toEqual([1, "two", null, undefined, true, Number.NaN, 2n ** 90n]);
      const copy = thing.items.get(7);
      expect([copy[0], copy[1].b, is(copy[1].a, thing), is(thing.items.get(8), thing.items)]).toEqual([
        1,
        [],
        true,
        true,
      ]);
      const keys = ["short", "語", long, 0, -1.5, Number.NaN];
      expect(keys.map((key) => thing.table.get(key))).toEqual([1, 2, 3, "zero", "minus", "nan"]);
      expect([is(thing.table.get(`${long}語`), thing), thing.table.size]).toEqual([true, 7]);
      rt.scope(() => {
        expect(large.toArray().every((value: number, n: number) => value === n)).toBe(true);
        for (let n = 0; n < 30_000; n++) if (many.get(n % 3 ? n : `key ${n}`) !== n) throw new Error(`key ${n}`);
      });
      expect([many.size, texts.get(0) === text, texts.get(1) === wide, texts.get(2)]).toEqual([
        30_000,
        true,
        true,
        "short",
      ]);
      // It is a heap like any other.
      thing.items = null;
      thing.table = null;
      thing.pair = null;
      expect(large.length).toBe(200_000);
      large.push("more");
      many.set("more", rt.new(Thing, { text: "short" }));
      expect(await rt.run(grow, large, 50_000)).toBe(250_001); // which moves it
      exact(rt);
      await rt.close();
    }
  });

  it("is what the snapshot was, while coroutines go on writing", async () => {
    const rt = await start({ gil });
    const cells = rt.new(
      List,
      Array.from({ length: 5000 }, () => rt.new(Cell, { value: 10 })),
    );
    const to = file();
    const work = [1, 2, 3].map((seed) => rt.run(move, cells, 20_000, seed));
    for (let n = 1; n <= 5; n++) {
      const snapshot = await rt.snapshot();
      const then = snapshot.scope(() =>
        snapshot
          .see(cells)
          .toArray()
          .map((cell: any) => cell.value),
      );
      const later = await rt.snapshot(); // what is saved is not the last one
      await snapshot.save(to, { roots: { cells } });
      snapshot.dispose();
      later.dispose();
      const again = await open(to, { threads: 1, gil: !gil });
      exact(again);
      const now = again.scope(() => (again.root("cells") as any).toArray().map((cell: any) => cell.value));
      expect(now).toEqual(then);
      expect(now.reduce((a: number, b: number) => a + b)).toBe(50_000);
      expect(await again.run(sum, again.root("cells"))).toBe(50_000);
      await again.close();
    }
    await Promise.all(work);
    exact(rt);
    expect(rt.stats().pagesKept).toBe(0);
  });

  it("is incremental: the next save writes what has changed, and what it has not is not there twice", async () => {
    let rt = await start({ gil });
    const cells = rt.new(
      List,
      Array.from({ length: 50_000 }, (_, n) => rt.new(Cell, { value: n })),
    );
    const to = file();
    const first = await save(rt, to, { cells });
    expect(first.pages).toBeGreaterThan(70);
    const same = await save(rt, to, { cells });
    expect(same).toMatchObject({ generation: 2, pages: first.pages, written: 0 });
    cells.get(7).value = -1;
    tryLock(cells.get(9))?.release();
    const held = Array.from({ length: 50 }, (_, n) => cells.get(n * 1000)); // counts are no content
    expect(await save(rt, to, { cells })).toMatchObject({ generation: 3, written: 1 });
    expect(held.length).toBe(50);
    await rt.close();
    rt = await open(to, { gil: !gil });
    const again = rt.root("cells") as any;
    expect(await save(rt, to, { cells: again })).toMatchObject({ generation: 4, pages: first.pages, written: 0 });
    again.get(30_000).value = -2;
    expect(await save(rt, to, rt.roots)).toMatchObject({ generation: 5, written: 1 });
    await rt.close();
    rt = await open(to, { gil });
    expect([7, 30_000, 8].map((n) => (rt.root("cells") as any).get(n).value)).toEqual([-1, -2, 8]);
    exact(rt);
  });

  it("is rewritten when more than half of the file is of no use any more", async () => {
    const rt = await start({ gil });
    const cells = rt.new(
      List,
      Array.from({ length: 40_000 }, (_, n) => rt.new(Cell, { value: n })),
    );
    const to = file();
    const sizes: number[] = [];
    let compacted = 0;
    for (let round = 1; round <= 7; round++) {
      rt.scope(() => {
        for (let n = 0; n < 40_000; n++) cells.get(n).value = n * round;
      });
      const saved = await save(rt, to, { cells });
      if (saved.compacted) compacted++;
      expect(saved.bytes).toBe(statSync(to).size);
      sizes.push(saved.bytes);
      const again = await open(to, { threads: 1 });
      expect((again.root("cells") as any).get(39_999).value).toBe(39_999 * round);
      await again.close();
    }
    expect(compacted).toBeGreaterThan(1);
    expect(Math.max(...sizes)).toBeLessThan(3 * (sizes[0] as number));
    expect(readdirSync(folder).filter((name) => /saving|new$/.test(name))).toEqual([]);
  });

  it("holds only what the roots lead to, and nothing of what is dead", async () => {
    const rt = await start({ gil });
    const keep = rt.new(List, ["kept"]);
    const secret = (n: number) => `secret ${n} of a long text that nobody refers to any more`;
    rt.scope(() => {
      for (let n = 0; n < 200; n++) keep.push(secret(n));
      while (keep.length > 1) keep.pop();
      for (let n = 0; n < 200; n++) new Thing({ text: `another ${secret(n)}` });
    });
    const other = rt.new(List, ["another root's"]);
    const to = file();
    const saved = await save(rt, to, { keep });
    expect(saved.objects).toBe(3); // the list, its items, a string
    const bytes = readFileSync(to);
    for (const text of ["secret", "another"]) expect(bytes.includes(text)).toBe(false);
    expect(bytes.includes("kept")).toBe(true);
    expect(other.length).toBe(1);
  });

  it("keeps nothing of the process that it was saved in: locks, waiters, handles, counts", async () => {
    const rt = await start({ gil });
    const [held, signal] = [rt.new(Cell, { value: 1 }), rt.new(Cell)];
    const handles = Array.from({ length: 10 }, () => rt.new(List, [held]));
    const first = rt.spawn(wait, held, signal);
    const second = rt.spawn(wait, held, signal);
    while (tryLock(held)?.release() === undefined && rt.stats().totals.lockWaits === 0)
      await new Promise((resolve) => setTimeout(resolve, 1));
    const to = file();
    expect(await save(rt, to, { held })).toMatchObject({ locked: 1, objects: 1 });
    signal.value = 1;
    await Promise.all([first, second]);
    expect(handles.length).toBe(10);
    const again = await open(to, { gil: !gil });
    const there = again.root("held") as any;
    expect([there.value, refcount(there)]).toEqual([1, 1]);
    const guard = tryLock(there);
    expect(guard).not.toBeNull();
    guard?.release();
    exact(again);
    there[Symbol.dispose]();
    expect(again.verify().objects).toBeLessThan(8); // strings of the type: the root is gone
    exact(again);
  });

  it("is opened by another process, and saved there", async () => {
    const rt = await start({ gil });
    const cells = rt.new(
      List,
      Array.from({ length: 3000 }, (_, n) => rt.new(Cell, { value: n })),
    );
    const byName = rt.new(Dict, [
      ["first", cells.get(0)],
      ["last", cells.get(2999)],
    ]);
    const to = file();
    await save(rt, to, { cells, byName });
    const child = await node([fixture("image-open.mjs"), to, gil ? "free" : "gil"]);
    expect(child).toMatchObject({ code: 0, err: "" });
    expect(JSON.parse(child.out)).toEqual({
      sum: (2999 * 3000) / 2,
      same: true,
      violations: [],
      written: expect.any(Number),
      generation: 2,
    });
    const again = await open(to, { gil });
    expect((again.root("byName") as any).get("last").value).toBe(-5);
    expect((again.root("cells") as any).get(2999).value).toBe(-5);
    expect((again.root("added") as any).get(0).text).toBe("made by another process");
    exact(again);
  });

  it("agrees with a plain graph, over many generations", async () => {
    const seed = Number(process.env.UNGIL_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
    console.log(`images: UNGIL_TEST_SEED=${seed}`);
    const draw = random(seed);
    const to = file();
    let rt = await start({ gil, threads: 1 });
    const { plain, shared } = build(rt, draw, 300);
    let root = shared;
    for (let generation = 1; generation <= 4; generation++) {
      expect(await save(rt, to, { root })).toMatchObject({ generation });
      const work = rt.run(grow, rt.new(List), 200);
      await work;
      await rt.close();
      rt = await open(to, { gil: generation % 2 ? !gil : gil, threads: 1 });
      root = rt.root("root");
      exact(rt);
      expect(
        rt.scope(() => difference(root, plain)),
        `seed ${seed}, generation ${generation}`,
      ).toBe("");
      rt.scope(() => {
        const twins = [{ shared: root, plain }];
        for (let n = 0; n < plain.list.length; n++) twins.push({ shared: root.get(n), plain: plain.list[n] });
        for (let n = 0; n < 50; n++) change(draw, twins[1 + draw(300)]!, twins);
      });
      expect(
        rt.scope(() => difference(root, plain)),
        `seed ${seed}, after ${generation}`,
      ).toBe("");
      exact(rt);
    }
  });
});
