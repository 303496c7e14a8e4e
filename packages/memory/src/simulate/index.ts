export { reportChart } from "./chart.js";
export { parseFrames } from "./frames.js";
export { FORMATS, openTrace, type ReadOptions, readTrace, type TraceFormat } from "./read.js";
export type { References } from "./references.js";
export {
  type SimulationOptions,
  type SimulationProgress,
  type SimulationReport,
  type SimulationRow,
  simulate,
} from "./simulate.js";
export { reportTable } from "./table.js";
export { Tlb, type TlbReport, type TlbShape, tlbShape } from "./tlb.js";
