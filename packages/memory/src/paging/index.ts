export { PageTable } from "./page-table.js";
export * from "./pte.js";
export { ReverseMap } from "./reverse-map.js";
export { TranslationBuffer } from "./tlb.js";
