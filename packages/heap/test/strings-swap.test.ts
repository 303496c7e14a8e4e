/** Interned strings where most of them are in the swap file. */
import { List, scope } from "@ungil/heap";
import { Layout as L } from "@ungil/kernel";
import { expect, it } from "vitest";
import { inBothModes, machine } from "./support.js";

const text = (n: number) => `key number ${n} ${"y".repeat(40)}`;

inBothModes((gil) => {
  it("a new string does not bring those in that share its bucket, nor does one that is dropped change them", () => {
    const m = machine({ gil, mib: 4, slots: 3, swapMib: 64 });
    const lists = new List<List<string>>();
    const [COUNT, EACH] = [800, 100];
    for (let n = 0; n < COUNT; n++)
      scope(() => lists.push(new List<string>(Array.from({ length: EACH }, (_, k) => text(EACH * n + k)))));
    const pages = m.counter(L.COUNTER_PAGES_ALLOCATED);
    expect(pages).toBeGreaterThan(400);
    // Each page was filled, and left; of the strings of a bucket hardly one was looked at.
    expect(m.counter(L.COUNTER_SWAP_INS)).toBeLessThan(pages);
    expect(m.counter(L.COUNTER_SWAP_OUTS)).toBeLessThan(pages);
    // One that is there is found, with what it is.
    for (let n = 0; n < COUNT; n += 7)
      scope(() => {
        const again = new List<string>([text(EACH * n)]);
        expect(again.get(0)).toBe(text(EACH * n));
        expect(lists.get(n)?.get(0)).toBe(again.get(0));
      });
    m.objects(); // no string exists twice
    for (let n = 0; n < COUNT / 2; n++) scope(() => void lists.pop());
    m.settle();
    m.objects();
  });
});
