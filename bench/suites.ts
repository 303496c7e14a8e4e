// The suites of `pnpm bench`. (The main job, `pnpm start`, is the suite `compare`.)
import { alloc } from "./alloc/suite.js";
import { gc } from "./gc/suite.js";
import { micro } from "./micro/suite.js";
import type { Progress } from "./report/progress.js";
import type { Row } from "./report/shape.js";
import { snapshot } from "./snapshot/suite.js";
import { vm } from "./vm/suite.js";

export interface Suite {
  name: string;
  about: string;
  /** `quick`: as little as shows that it works. */
  run(show: Progress, quick: boolean): Promise<Row[]>;
  /** The rows as a table. */
  view(rows: readonly Row[]): string;
}

export const SUITES: readonly Suite[] = [micro, alloc, vm, snapshot, gc];
