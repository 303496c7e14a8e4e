// Says on standard error how far a simulation is, once it has taken two seconds: one line that changes on a terminal,
// a line now and then in a file.

import type { SimulationProgress } from "@ungil/memory";

const QUIET_MS = 2000;
const LINE_MS = 5000;

export interface TraceProgress {
  /** Bytes of the trace read so far. */
  bytes: (count: number) => void;
  show: (progress: SimulationProgress) => void;
  end: () => void;
}

/** `length`: bytes of the trace, 0 if unknown. */
export function traceProgress(length: number, stream: NodeJS.WriteStream = process.stderr): TraceProgress {
  const began = performance.now();
  let read = 0;
  let last = began + QUIET_MS - LINE_MS;
  let drawn = false;
  return {
    bytes: (count) => {
      read = count;
    },
    show({ phase, references, total }) {
      const now = performance.now();
      if (now - began < QUIET_MS || (!stream.isTTY && now - last < LINE_MS)) return;
      last = now;
      const share = phase === "trace" ? (length > 0 ? read / length : undefined) : references / total;
      const what = phase === "trace" ? "reading" : phase === "opt" ? "opt" : "opt, looking ahead";
      const percent = share === undefined ? "" : `${Math.floor(100 * share)} %  `;
      const rate = phase === "trace" ? `, ${millions(references / ((now - began) / 1000))} a second` : "";
      const line = `${percent}${what}: ${millions(references)} references${rate}`;
      stream.write(stream.isTTY ? `\r\x1b[K${line}` : `${line}\n`);
      drawn = true;
    },
    end() {
      if (drawn && stream.isTTY) stream.write("\r\x1b[K");
      drawn = false;
    },
  };
}

const millions = (count: number): string => `${(count / 1e6).toFixed(1)} million`;
