// docs/errors.md is the table of errors. Here: it names every class that users can meet, with its code, and each line is
// tested, here or where it says.
import { readFileSync } from "node:fs";
import * as ungil from "ungil";
import { Dict, List, Runtime, UngilError } from "ungil";
import * as memory from "ungil/memory";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Elsewhere } from "./fixtures/elsewhere.mjs";
import { c, lock, onlyHere, Point } from "./fixtures/wrong.mjs";

const root = new URL("../../", import.meta.url);
const table = readFileSync(new URL("docs/errors.md", root), "utf8");
const rows = [...table.matchAll(/^\|.*\| `(\w+Error)` \| `([A-Z_]+)` \|/gm)].map(([, name = "", code = ""]) => ({
  name,
  code,
}));

const classes = Object.entries({ ...ungil, ...memory })
  .filter(([, value]) => typeof value === "function" && value.prototype instanceof UngilError)
  .map(([name]) => name);

describe("the table of errors", () => {
  it("names every error class, once", () => {
    expect(rows.map(({ name }) => name).sort()).toEqual([...classes].sort());
    expect(new Set(rows.map(({ code }) => code)).size).toBe(rows.length);
  });

  it("has a test for each line", () => {
    const untested = rows.filter(({ code }) => !(code in here) && !(code in elsewhere));
    expect(untested).toEqual([]);
    for (const [code, file] of Object.entries(elsewhere))
      expect(readFileSync(new URL(file, root), "utf8"), code).toContain(code);
  });
});

/** Lines whose tests stand elsewhere, by code. */
const elsewhere: Record<string, string> = {
  COROUTINE_CONFLICT: "packages/runtime/test/register.test.ts",
  WORKER_CRASHED: "packages/runtime/test/crash.test.ts",
  LOCK_POISONED: "packages/runtime/test/crash.test.ts",
  DEADLOCK: "packages/runtime/test/deadlock.test.ts",
  SNAPSHOT_TIMEOUT: "packages/runtime/test/snapshot.test.ts",
  SNAPSHOT_LIMIT: "packages/runtime/test/snapshot.test.ts",
  SNAPSHOT_READ_ONLY: "packages/runtime/test/snapshot.test.ts",
  NOT_IN_SNAPSHOT: "packages/runtime/test/snapshot.test.ts",
  SNAPSHOT_LOST: "packages/runtime/test/snapshot.test.ts",
  SNAPSHOT_CLOSED: "packages/runtime/test/snapshot.test.ts",
  NOT_SAVEABLE: "packages/runtime/test/image-refused.test.ts",
  NOT_AN_IMAGE: "packages/runtime/test/image-refused.test.ts",
  IMAGE_VERSION: "packages/runtime/test/image-refused.test.ts",
  IMAGE_CORRUPTED: "packages/runtime/test/image-refused.test.ts",
  IMAGE_BUSY: "packages/runtime/test/image-refused.test.ts",
  IMAGE_FILE: "packages/runtime/test/image-refused.test.ts",
  ROOT_NOT_FOUND: "packages/runtime/test/image-refused.test.ts",
  SNAPSHOT_NOT_RESTORABLE: "packages/runtime/test/restore.test.ts",
  RESTORE_BUSY: "packages/runtime/test/restore.test.ts",
  REPLACEMENT_POLICY: "packages/runtime/test/pager.test.ts",
  WORLD_STOP: "packages/runtime/test/close.test.ts",
  RUNTIME_IN_WORKER: "packages/runtime/test/process.test.ts",
  MODULE_LOAD: "packages/runtime/test/errors.test.ts",
  STRUCT_CONFLICT: "packages/heap/test/schema.test.ts",
  FOREIGN_OBJECT: "packages/heap/test/objects.test.ts",
  POLICY: "packages/memory/test/policy.test.ts",
  SIMULATION: "packages/memory/test/simulate.test.ts",
  TRACE: "packages/memory/test/trace.test.ts",
  VIRTUAL_MEMORY: "packages/memory/test/space/mapping.test.ts",
  PROTECTION_FAULT: "packages/memory/test/space/faults.test.ts",
  BUS: "packages/memory/test/space/files.test.ts",
  STORAGE: "packages/memory/test/space/swap.test.ts",
};

type Case = (rt: any, gil: boolean) => unknown;
const loose = (value: unknown): any => value;

/** Lines that are tested here: what triggers them. */
const here: Record<string, Case> = {
  UNKNOWN_OPTION: () => Runtime.start(loose({ thread: 2 })),
  OPTION: () => Runtime.start(loose({ gil: "yes" })),
  THREAD_COUNT: async () => {
    for (const threads of [0, 10_000, 1.5]) await expect(Runtime.start({ threads })).rejects.toThrow(String(threads));
    return Runtime.start({ threads: -1 });
  },
  MEMORY_SIZE: async () => {
    for (const memory of ["5GiB", 1024, "lots"])
      await expect(Runtime.start({ memory })).rejects.toMatchObject({ code: "MEMORY_SIZE" });
    return Runtime.start({ memory: "1KiB" });
  },
  THREAD_START: () => {
    throw new ungil.ThreadStartError("made by hand: no machine runs out of threads on demand");
  },
  KERNEL_NOT_FOUND: () => {
    throw new ungil.KernelNotFoundError("file:///nowhere.wasm");
  },
  KERNEL_PANIC: () => {
    throw new ungil.KernelPanicError("made by hand");
  },
  COROUTINE_NOT_REGISTERED: (rt) => rt.run(function* () {}),
  COROUTINE_NOT_FOUND: (rt) => rt.run(loose(onlyHere).absent),
  NOT_SHAREABLE: async (rt) => {
    await expect(rt.run(c.unknown, [{ a: { b: new Map() } }])).rejects.toThrow("args[0][0].a.b");
    for (const bad of [Symbol("s"), new Set(), new Date(), new (class Own {})()]) {
      await expect(rt.run(c.unknown, bad)).rejects.toMatchObject({ code: "NOT_SHAREABLE" });
    }
    return rt.run(c.unknown, () => 1);
  },
  NOT_SHARED: () => ungil.keep({}),
  FIELD_TYPE: (rt) => {
    loose(rt.new(Point, {})).x = "wide";
  },
  SCHEMA: () => ungil.struct("errors.Wrong", loose({ x: "f64" })),
  LIMIT: () =>
    ungil.struct("errors.Wide", Object.fromEntries(Array.from({ length: 64 }, (_, n) => [`f${n}`, ungil.f64]))),
  UNKNOWN_STRUCT: (rt) =>
    rt.run(
      c.unknown,
      rt.scope(() => new List([new Elsewhere()])),
    ),
  INDEX: (rt) => rt.run(c.setBeyond),
  NOT_A_NUMBER: (rt) => rt.run(c.addToText),
  DICT_UPDATE: (rt) => {
    const dict = rt.scope(() => new Dict<string, number>());
    return dict.update("a", () => dict.add("a", 1));
  },
  ASYNC_SCOPE: (rt) => rt.scope(async () => 1),
  RELEASED_HANDLE: (rt) => {
    const point = rt.new(Point, {});
    point[Symbol.dispose]();
    return point.x;
  },
  OUT_OF_MEMORY: async (_, gil) => {
    const small = await Runtime.start({ threads: 1, gil, memory: "4MiB" });
    try {
      expect(() => small.scope(() => Array.from({ length: 1_000_000 }, () => new Point()))).toThrow(
        ungil.OutOfMemoryError,
      );
      expect(loose(small.new(Point, { x: 1 })).x).toBe(1);
      expect(small.verify().violations).toEqual([]);
      return small.scope(() => Array.from({ length: 1_000_000 }, () => new Point()));
    } finally {
      await small.close();
    }
  },
  SEGMENTATION_FAULT: () => {
    throw new ungil.SegmentationFaultError(16, "A read", "the page is not mapped");
  },
  OPERATION_NOT_AWAITED: (rt) => rt.run(c.forgetful),
  YIELDED_VALUE: (rt) => rt.run(c.yieldsValue),
  NOT_IN_COROUTINE: (rt) => lock(rt.new(Point, {})),
  CANCELLED: (rt) => rt.run({ signal: AbortSignal.timeout(20) }, c.waits),
  REMOTE: (rt) => rt.run(c.hidden),
  RUNTIME_CLOSED: async (_, gil) => {
    const closed = await Runtime.start({ threads: 1, gil });
    const point = closed.new(Point, { x: 1 });
    await closed.close();
    expect(() => loose(point).x).toThrow(ungil.RuntimeClosedError);
    expect(() => closed.stats()).toThrow(ungil.RuntimeClosedError);
    return closed.run(c.waits);
  },
  NO_RUNTIME: () => {
    throw new ungil.NoRuntimeError("new Point");
  },
};

describe.each([
  ["gil", true],
  ["free", false],
])("each line (%s)", (_, gil) => {
  let rt: any;
  beforeAll(async () => {
    rt = await Runtime.start({ threads: 2, gil, memory: "32MiB" });
  });
  afterAll(() => rt.close());

  it.each(Object.keys(here))("%s", async (code) => {
    const { name } = rows.find((row) => row.code === code) as { name: string };
    let error: any;
    try {
      await here[code]?.(rt, gil);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(loose(ungil)[name]);
    expect(error.code).toBe(code);
    // The runtime lives on.
    expect(rt.new(Point, { x: 2 }).x).toBe(2);
    expect(rt.verify().violations).toEqual([]);
  });
});
