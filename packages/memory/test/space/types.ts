// What TypeScript knows of address spaces, under the oldest one that we promise too (test/types). Never run.
import { AddressSpace, PhysicalMemory, type Region, type View } from "@ungil/memory";

const memory = new PhysicalMemory({ size: "1MiB", policy: "arc", swap: { folder: "/tmp" }, tlb: "64x4" });
const space = new AddressSpace(memory, { limit: 4096 });
const heap: Region = space.map({ length: "4KiB", protection: "r", guard: 1 });
const small: number = space.read(heap.base, "u32");
const large: bigint = space.read(heap.base, "i64");
space.write(heap.base, "u64", large);
space.write(heap.base, "f64", small);
const bytes: Uint8Array = space.readBytes(heap.base, 8);
const first: number | undefined = space.view(heap, (window) => window[0]);
const view: View = space.openView({ base: heap.base, length: 1 }, { write: false });
space.unmap(heap);
export const used = [bytes, first, view.bytes.length, space.fork({ name: "child" }).usage().resident];

// @ts-expect-error: a 64-bit number is a bigint
space.write(heap.base, "u64", 5);
// @ts-expect-error: a 32-bit one is not
space.write(heap.base, "u32", 5n);
// @ts-expect-error: there is no such type
space.read(heap.base, "u24");
// @ts-expect-error: nothing can be executed
space.protect(heap, "rx");
// @ts-expect-error: an extent has a length
space.unmap({ base: heap.base });
// @ts-expect-error: regions are what they were
heap.length = 0;
