// queens: in how many ways n queens stand on an n x n board, none attacking another. Processor only: no shared object is
// touched. The first two rows are placed in every way that is possible, each a task; a task looks at the clock after every
// placement of rows three and four, and yields at least every millisecond. The board is solved `passes` times.
// Checksum: the number of ways, in decimal (every pass must come to the same).
import { workload } from "../workload.js";
import { plain } from "./plain.js";
import { pool, poolFile } from "./pool.js";
import { shared } from "./shared.js";

export type QueensParams = { n: number; passes: number };

export const queens = workload<QueensParams>({
  name: "queens",
  about: "processor only, yielding at least every millisecond",
  weight: 1,
  params: { full: { n: 14, passes: 3 }, quick: { n: 11, passes: 2 } },
  plain,
  shared,
  pool,
  poolFile,
});
