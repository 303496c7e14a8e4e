/** The layout of kernel memory, as AssemblyScript reads it too (assembly/layout.ts). */
export * from "../assembly/layout/machine.js";
export * from "../assembly/layout/objects.js";
export * from "../assembly/layout/pages.js";
export * from "../assembly/layout/weak.js";
