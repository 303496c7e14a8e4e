// Files that a command is to write.

import { accessSync, constants } from "node:fs";
import path from "node:path";
import { SimulationError } from "@ungil/memory";

/** Says at once, not after the work, that a file cannot be written. */
export function checkFolder(file: string): void {
  const folder = path.dirname(path.resolve(file));
  try {
    accessSync(folder, constants.W_OK);
  } catch {
    throw new SimulationError(`cannot write ${file}: the folder ${folder} does not exist or is not writable`);
  }
}
