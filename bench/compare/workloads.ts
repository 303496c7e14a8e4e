// The workloads, in the order of the table.
import { bank } from "./bank/workload.js";
import { index } from "./index/workload.js";
import { queens } from "./queens/workload.js";
import { routes } from "./routes/workload.js";
import { trees } from "./trees/workload.js";
import { words } from "./words/workload.js";
import type { Workload } from "./workload.js";

export const WORKLOADS: readonly Workload[] = [words, index, routes, bank, trees, queens];
