// Whatever is done to address spaces, they hold what plain arrays would: several spaces, forks, shared regions, files,
// protections, partial unmaps, locks and views, with a quarter of the pages in memory, under every online policy.
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { AddressSpace, PhysicalMemory, POLICIES, type Protection, type Region } from "@ungil/memory";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { below, type Random, random, seed } from "../support.js";
import { TestStore } from "./machine.js";
import { OracleSpace, PAGE, type Source } from "./oracle.js";

const FRAMES = 24;
const STEPS = 1500;
const FILE_PAGES = 12;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "ungil-space-test-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Pair {
  space: AddressSpace;
  oracle: OracleSpace;
  regions: { region: Region; source: Source | undefined; offset: number }[];
}

class Machine {
  readonly memory: PhysicalMemory;
  readonly pairs: Pair[] = [];
  readonly files: Source[] = [];
  /** Operations that failed because of the disk. */
  failures = 0;
  private storm: boolean;

  /** `store`: a disk to swap to, which fails now and then. */
  constructor(
    readonly draw: Random,
    policy: string,
    readonly name: string,
    readonly store?: TestStore,
  ) {
    const tlb = ["8x2", "4x1", "16x16"][below(draw, 3)]!;
    const swap = store ? { store, size: 1000 * PAGE } : {};
    const options = { size: FRAMES * PAGE, pageSize: PAGE, policy, tlb, readAhead: below(draw, 5), swap };
    this.memory = new PhysicalMemory(options);
    this.storm = store !== undefined;
    if (store)
      store.before = () => {
        if (this.storm && draw() < 0.5) throw new Error("now and then");
      };
    for (let n = 0; n < 2; n++) {
      const content = Uint8Array.from({ length: FILE_PAGES * PAGE }, (_, at) => (at * 7 + n) % 251);
      const file = path.join(folder, `${name}-${n}`);
      writeFileSync(file, content);
      const pages = Array.from({ length: FILE_PAGES }, (_, page) => content.slice(page * PAGE, (page + 1) * PAGE));
      this.files.push({ file, pages, length: FILE_PAGES });
    }
    for (let n = 0; n < 2; n++)
      this.pairs.push({ space: new AddressSpace(this.memory), oracle: new OracleSpace(), regions: [] });
  }

  below = (n: number): number => below(this.draw, n);
  pick = <T>(list: readonly T[]): T => list[this.below(list.length)]!;

  /** A step that the disk may let fail: then nothing has happened. */
  tryStep(): void {
    try {
      this.step();
    } catch (error) {
      const { code } = error as { code?: string };
      if (code !== "STORAGE" && code !== "OUT_OF_MEMORY") throw error;
      this.failed();
    }
  }

  private failed(): void {
    expect(this.storm).toBe(true);
    this.failures++;
  }

  step(): void {
    const pair = this.pick(this.pairs);
    const dice = this.below(100);
    if (pair.regions.length === 0 || dice < 4) return this.map(pair);
    const { region } = this.pick(pair.regions);
    if (dice < 44) return this.access(pair, region, true);
    if (dice < 78) return this.access(pair, region, false);
    const at = this.below(region.length / PAGE);
    const base = region.base + at * PAGE;
    const count = 1 + this.below(Math.min(6, region.length / PAGE - at));
    const extent = { base, length: count * PAGE };
    if (dice < 81) return this.unmap(pair, extent.base, count);
    if (dice < 83) return this.fork(pair);
    if (dice < 84) return void (this.pairs.length > 2 && this.close(pair));
    if (dice < 85) return this.memory.balance();
    if (dice < 86) return this.resize(this.pick(this.files));
    if (!pair.oracle.isMapped(base, count)) return;
    if (dice < 90) {
      const protection = this.pick<Protection>(["r", "rw", "rw", "rw", "none"]);
      pair.space.protect(extent, protection);
      return pair.oracle.protect(base, count, protection);
    }
    if (dice < 92) return this.view(pair, region);
    if (dice < 94) return this.lock(pair, base, count);
    if (dice < 96) return this.dontNeed(pair, base, count);
    if (dice < 98) return pair.space.advise(extent, this.pick(["normal", "sequential", "random", "willneed"]));
    return pair.space.sync(this.below(2) === 0 ? undefined : extent);
  }

  map(pair: Pair): void {
    const count = 1 + this.below(12);
    const kind = this.below(6);
    const protection = this.pick<Protection>(["rw", "rw", "rw", "r"]);
    const guard = this.below(2);
    let source: Source | undefined;
    let offset = 0;
    let region: Region;
    if (pair.oracle.pages.size > 90) return;
    const sharable = this.pairs.flatMap(({ regions }) => regions.filter(({ region: { kind } }) => kind === "shared"));
    if (kind < 2) region = pair.space.map({ length: count * PAGE, protection, guard });
    else if (kind === 2) {
      const pages = Array.from({ length: count }, () => new Uint8Array(PAGE));
      source = { file: undefined, pages, length: count };
      region = pair.space.map({ length: count * PAGE, protection, guard, shared: true });
    } else if (kind === 3 && sharable.length > 0) {
      const other = this.pick(sharable);
      ({ source, offset } = other);
      try {
        region = pair.space.map({ share: other.region, protection, guard });
      } catch (error) {
        expect(String(error)).toContain("unmapped everywhere");
        return;
      }
    } else {
      source = this.pick(this.files);
      offset = this.below(FILE_PAGES);
      const length = Math.min(count, FILE_PAGES - offset) * PAGE;
      const shared = this.below(2) === 0;
      region = pair.space.map({ file: source.file!, offset: offset * PAGE, length, shared, protection, guard });
    }
    pair.oracle.map(region.base, region.length / PAGE, protection, source, offset, region.shared);
    pair.regions.push({ region, source, offset });
  }

  /** A file becomes longer or shorter. It is looked at when somebody faults in it. */
  resize(source: Source): void {
    const length = 1 + this.below(FILE_PAGES);
    truncateSync(source.file!, length * PAGE);
    for (let page = length; page < FILE_PAGES; page++) source.pages[page] = new Uint8Array(PAGE);
    source.length = length;
    using probe = new AddressSpace(this.memory);
    probe.read(probe.map({ file: source.file! }).base, "u8");
  }

  unmap({ space, oracle, regions }: Pair, base: number, count: number): void {
    if (this.below(3) > 0) {
      space.unmap({ base, length: count * PAGE });
      oracle.unmap(base, count);
      return;
    }
    const [whole] = regions.splice(this.below(regions.length), 1);
    space.unmap(whole!.region);
    oracle.unmap(whole!.region.base, whole!.region.length / PAGE);
  }

  fork({ space, oracle, regions }: Pair): void {
    if (this.pairs.length < 5) this.pairs.push({ space: space.fork(), oracle: oracle.fork(), regions: [...regions] });
  }

  close(pair: Pair): void {
    this.pairs.splice(this.pairs.indexOf(pair), 1);
    pair.space.close();
  }

  dontNeed({ space, oracle }: Pair, base: number, count: number): void {
    space.advise({ base, length: count * PAGE }, "dontneed");
    oracle.dontNeed(base, count);
  }

  /** Locks, looks, unlocks: more frames than a few must stay free. */
  lock({ space, oracle }: Pair, base: number, count: number): void {
    const extent = { base, length: Math.min(count, 3) * PAGE };
    if (oracle.check(base, extent.length, false) !== "ok") return;
    space.lock(extent);
    try {
      this.whileLocked({ space, oracle, regions: [] }, extent);
    } finally {
      space.unlock(extent);
    }
  }

  whileLocked({ space, oracle }: Pair, extent: { base: number; length: number }): void {
    const { base } = extent;
    expect(space.readBytes(base, extent.length)).toEqual(oracle.read(base, extent.length));
    if (this.below(4) === 0) this.check();
    if (this.below(2) === 0) this.access({ space, oracle, regions: [] }, { ...extent } as Region, true);
  }

  /** Written to through a view, while other things happen. */
  view({ space, oracle }: Pair, region: Region): void {
    const base = region.base + this.below(region.length / PAGE) * PAGE + this.below(PAGE / 2);
    const length = 1 + this.below(PAGE / 2);
    if (oracle.check(base, length, true) !== "ok") return;
    const view = space.openView({ base, length });
    const bytes = Uint8Array.from({ length }, () => this.below(256));
    expect(view.bytes).toEqual(oracle.read(base, length));
    if (this.below(3) === 0) this.memory.balance();
    if (this.below(3) === 0) space.sync();
    view.bytes.set(bytes);
    view.release();
    oracle.write(base, bytes);
  }

  access({ space, oracle }: Pair, region: Region, write: boolean): void {
    let length = [1, 2, 4, 8, 1 + this.below(3 * PAGE)][this.below(5)]!;
    const address = region.base + this.below(region.length);
    // Of many bytes a disk that fails lets some be written.
    if (this.store && length !== 8) length = Math.min(length, PAGE - (address % PAGE));
    const bytes = Uint8Array.from({ length }, () => this.below(256));
    const expected = oracle.check(address, length, write);
    let outcome: string = "ok";
    let read: Uint8Array | undefined;
    try {
      if (write) {
        if (length === 8) space.write(address, "u64", new DataView(bytes.buffer).getBigUint64(0, true));
        else space.writeBytes(address, bytes);
      } else read = space.readBytes(address, length);
    } catch (error) {
      outcome = (error as { code: string }).code;
    }
    if (outcome === "STORAGE" || outcome === "OUT_OF_MEMORY") return this.failed();
    expect(outcome).toBe(expected);
    // What comes before the end of the file is written, but of a number all or nothing.
    if (outcome === "BUS" && write && length !== 8)
      oracle.write(address, bytes.subarray(0, oracle.readable(address, length)));
    if (outcome !== "ok") return;
    if (write) oracle.write(address, bytes);
    else expect(read).toEqual(oracle.read(address, length));
  }

  check(): void {
    expect(this.memory.verify()).toEqual([]);
  }

  compareAll(): void {
    for (const { space, oracle } of this.pairs)
      for (const [page, { protection }] of oracle.pages)
        if (protection !== "none" && oracle.readable(page * PAGE, 1) === 1)
          expect(space.readBytes(page * PAGE, PAGE)).toEqual(oracle.read(page * PAGE, PAGE));
  }

  end(): void {
    this.storm = false;
    this.compareAll();
    this.check();
    this.memory.close();
    expect(this.memory.pager.frames.freeCount).toBe(FRAMES);
    expect(this.memory.pager.swap.used).toBe(0);
    expect(this.memory.pager.policy.size).toBe(0);
    for (const { file, pages, length } of this.files)
      expect(new Uint8Array(readFileSync(file!))).toEqual(concat(pages.slice(0, length)));
  }
}

function concat(pages: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(pages.length * PAGE);
  pages.forEach((page, n) => all.set(page, n * PAGE));
  return all;
}

const online = [...POLICIES.values()].filter((entry) => entry.online).map((entry) => entry.slug);

describe("random address spaces against plain arrays", () => {
  const first = seed("spaces");
  it.each(online)("%s", (policy) => {
    for (let round = 0; round < 2; round++) {
      const from = first + round;
      const machine = new Machine(random(from), policy, `${policy}-${round}`);
      try {
        for (let n = 0; n < STEPS; n++) {
          machine.step();
          if (n % 20 === 0) machine.check();
        }
        machine.end();
      } catch (error) {
        throw new Error(`with UNGIL_TEST_SEED=${from}, policy ${policy}`, { cause: error });
      }
      const { evictions, faults } = machine.memory.stats();
      expect(evictions).toBeGreaterThan(100);
      expect(faults.swapIn + faults.fileRead).toBeGreaterThan(20);
    }
  });

  it.each(["clock", "lirs", "s3-fifo"])("on a swap disk that fails now and then: %s", (policy) => {
    let failures = 0;
    for (let round = 0; round < 4; round++) {
      const from = first + round;
      const machine = new Machine(random(from), policy, `failing-${policy}-${round}`, new TestStore());
      try {
        for (let n = 0; n < STEPS; n++) {
          machine.tryStep();
          if (n % 20 === 0) machine.check();
        }
        machine.end();
      } catch (error) {
        throw new Error(`with UNGIL_TEST_SEED=${from}, policy ${policy}`, { cause: error });
      }
      failures += machine.failures;
    }
    expect(failures).toBeGreaterThan(10);
  });
});
