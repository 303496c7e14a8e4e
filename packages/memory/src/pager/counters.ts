/** What has happened, since the memory was made. Each is counted where it happens, and nowhere else. */
export interface Counters {
  /** Walks of a page table: TLB misses. */
  walks: number;
  faults: {
    /** Minor: a page of zeros was made. */
    demandZero: number;
    /** Minor: a page that others see too was copied before it was written to. */
    copyOnWrite: number;
    /** Minor: a write to a page that had been shared, and is this space's alone now; or a first write to a shared one. */
    writeEnable: number;
    /** Minor: the page was in memory already, through another space, read-ahead, or its file's pages. */
    cached: number;
    /** Major: read from the swap file. */
    swapIn: number;
    /** Major: read from a mapped file. */
    fileRead: number;
    /** Accesses that ended in an error. */
    failed: number;
  };
  /** Frames that were taken from a page. */
  evictions: number;
  /** Dirty pages that were written, because they were evicted or by `sync`. */
  writeBacks: { swap: number; file: number };
  readAhead: {
    /** Pages that were read before anybody asked. */
    pages: number;
    /** ... and that somebody then asked for. */
    hits: number;
  };
  /** Times that frames were looked for: when few were left, and when none was. */
  reclaims: { pager: number; direct: number };
  /** Dirty pages of a file that was cut short under them. */
  lost: number;
}

export const newCounters = (): Counters => ({
  walks: 0,
  faults: { demandZero: 0, copyOnWrite: 0, writeEnable: 0, cached: 0, swapIn: 0, fileRead: 0, failed: 0 },
  evictions: 0,
  writeBacks: { swap: 0, file: 0 },
  readAhead: { pages: 0, hits: 0 },
  reclaims: { pager: 0, direct: 0 },
  lost: 0,
});

/** Minor and major faults together. */
export const faultCount = ({ faults }: Counters): number =>
  faults.demandZero + faults.copyOnWrite + faults.writeEnable + faults.cached + faults.swapIn + faults.fileRead;
