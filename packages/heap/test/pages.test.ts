/** Pages of small blocks: handed out in order, taken back in the opposite one, and what comes back otherwise is found again. */
import { keep, release, scope, verifyHeap } from "@ungil/heap";
import { Layout as L } from "@ungil/kernel";
import { expect, it } from "vitest";
import { Node, Tree } from "./fixtures/objects.mjs";
import { inBothModes, machine, random, seed, type TestMachine } from "./support.js";

const build = (depth: number): Tree =>
  depth === 0 ? new Tree() : new Tree({ left: build(depth - 1), right: build(depth - 1) });

const pages = (m: TestMachine) => verifyHeap(m.kernel, m.kept()).pages;

/** Words of the heap's descriptors that say "there is a free list". */
function freeLists(m: TestMachine): number {
  const { kernel } = m;
  let lists = 0;
  for (let page = 1; page < kernel.control(L.CB_VIRTUAL_PAGES); page++) {
    const at = (kernel.control(L.CB_DESCRIPTORS) + page * L.PAGE_DESCRIPTOR_SIZE) >>> 2;
    if (kernel.u32[at + (L.PD_STATE >>> 2)] === L.PAGE_SMALL && kernel.u32[at + (L.PD_FREE >>> 2)] !== 0) lists++;
  }
  return lists;
}

inBothModes((gil) => {
  it("a tree of many pages, dropped, leaves no free list and no page behind", () => {
    const m = machine({ gil, mib: 16 });
    m.heap.batch(() => {
      scope(() => build(2));
      const before = pages(m);
      for (let round = 0; round < 3; round++) {
        scope(() => {
          build(14); // 32,767 nodes of 16 bytes
          expect(pages(m)).toBeGreaterThan(before + 30);
        });
        expect(pages(m)).toBeLessThanOrEqual(before + 1); // an empty one is kept
        expect(freeLists(m)).toBe(0);
      }
    });
  });

  it("makes and drops at the end of a page as often as it likes", () => {
    const m = machine({ gil });
    m.heap.batch(() => {
      scope(() => {
        const perPage = L.PAGE_SIZE / 16;
        for (let n = 0; n < perPage - 2; n++) new Tree();
        const before = pages(m);
        for (let round = 0; round < 50; round++) {
          scope(() => {
            for (let n = 0; n <= round % 7; n++) new Tree();
          });
        }
        expect(pages(m)).toBeLessThanOrEqual(before + 1);
      });
    });
  });

  it("survivors keep their blocks, whatever dies around them", () => {
    const m = machine({ gil, mib: 16 });
    const next = random(seed("survivors"));
    const kept: { node: Node | Tree; value: number | null }[] = [];
    for (let round = 0; round < 60; round++) {
      m.heap.batch(() => {
        const grow = (depth: number): void => {
          scope(() => {
            for (let n = next(40); n > 0; n--) {
              const kind = next(8);
              if (kind === 0) kept.push({ node: keep(new Node({ value: n })), value: n });
              else if (kind === 1) kept.push({ node: keep(build(next(6))), value: null });
              else if (kind === 2 && depth < 4) grow(depth + 1);
              else if (kind < 6) build(next(5));
              else new Node({ value: -1, next: new Node({ value: -2 }) });
            }
          });
        };
        grow(0);
      });
      while (kept.length > 100) release((kept.splice(next(kept.length), 1)[0] as { node: Node }).node);
      if (round % 10 === 9) expect(verifyHeap(m.kernel, m.kept()).violations).toEqual([]);
    }
    m.heap.batch(() => {
      for (const { node, value } of kept) if (value !== null) expect((node as Node).value).toBe(value);
    });
    expect(kept.length).toBeGreaterThan(50);
    for (const { node } of kept) release(node);
  });
});
