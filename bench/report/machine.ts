// What the figures were measured on.
import { availableParallelism, cpus, totalmem } from "node:os";
import type { Machine, Report, Row } from "./shape.js";

export function machine(): Machine {
  return { cpu: cpus()[0]?.model.trim() || "unknown", cores: availableParallelism(), memory: totalmem() };
}

export function report(rows: Row[]): Report {
  return { machine: machine(), node: process.version, date: new Date().toISOString(), rows };
}
