/**
 * The layout of kernel memory: offsets, sizes and flag bits, the one table that both languages read (AssemblyScript compiles
 * it into the kernel; TypeScript, where `u32` is `number`, reads it through src/layout.ts).
 *
 *   physical:  0 null frame | control block | thread blocks | kernel tables | TLBs | frames ...
 *   virtual:   0 null page  | arenas of 64 pages, each dedicated to small pages or to runs
 */
export * from "./layout/machine";
export * from "./layout/objects";
export * from "./layout/pages";
export * from "./layout/weak";
