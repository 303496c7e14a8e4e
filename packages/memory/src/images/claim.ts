/**
 * Who may save into an image: one process at a time. A process puts a file of its own beside the image, its *claim*, and then looks
 * for others. A claim's name says whose it is, so one whose process is no more can be removed by anybody, as often as they like,
 * and never anybody else's with it (removing a lock file of one name for all can remove the one that has just taken its place).
 * Two that come at the very same moment see each other and try again, each after a time of its own.
 *
 *   IMAGE.HOST.PID.START.saving      START: when the process began, so that its number can be used again
 *   IMAGE.HOST.PID.START.new         an image that is being written, to take the place of the old one
 */
import { readdirSync, readFileSync } from "node:fs";
import { open, rm } from "node:fs/promises";
import { hostname } from "node:os";
import path from "node:path";
import { ImageBusyError } from "./errors.js";

const TRIES = 4;

const host = hostname().replace(/[^\w-]/g, "_") || "host";

/** When a process began, in ticks of its machine; "0" where that cannot be known, and null if there is no such process. */
function startOf(pid: number): string | null {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return null; // EPERM: it is somebody else's
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? null : (fields[19] ?? "0");
  } catch {
    return "0";
  }
}

interface Other {
  readonly name: string;
  readonly host: string;
  readonly pid: number;
  readonly start: string;
}

const mine = `${host}.${process.pid}.${startOf(process.pid) ?? "0"}`;

export class Claim {
  private constructor(
    readonly file: string,
    /** What takes the file's place is written here. Removed with the claim. */
    readonly draft: string,
  ) {}

  static async make(file: string): Promise<Claim> {
    const claim = new Claim(file, `${file}.${mine}.new`);
    for (let round = 1; ; round++) {
      await claim.#write();
      const other = await others(file);
      if (!other) return claim;
      await claim.release();
      if (round === TRIES) {
        const who = `Process ${other.pid}${other.host === host ? "" : ` of host ${other.host}`}`;
        throw new ImageBusyError(file, who, path.join(path.dirname(file), other.name));
      }
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 10 * round));
    }
  }

  async #write(): Promise<void> {
    const name = `${this.file}.${mine}.saving`;
    try {
      await (await open(name, "wx")).close();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      throw new ImageBusyError(this.file, "Another copy of ungil in this process", name);
    }
  }

  async release(): Promise<void> {
    await rm(this.draft, { force: true });
    await rm(`${this.file}.${mine}.saving`, { force: true });
  }
}

/** A claim of another process that lives, or of another machine, where nobody can tell. What dead ones have left is removed. */
async function others(file: string): Promise<Other | null> {
  const [folder, base] = [path.dirname(file), path.basename(file)];
  let found: Other | null = null;
  for (const name of readdirSync(folder)) {
    const match =
      name.startsWith(`${base}.`) && /^([\w-]+)\.(\d+)\.(\d+)\.(?:saving|new)$/.exec(name.slice(base.length + 1));
    if (!match) continue;
    const other: Other = { name, host: match[1] as string, pid: Number(match[2]), start: match[3] as string };
    if (`${other.host}.${other.pid}.${other.start}` === mine) continue;
    const start = other.host === host ? startOf(other.pid) : other.start;
    if (start === other.start) found = name.endsWith(".saving") ? other : found;
    else await rm(path.join(folder, name), { force: true });
  }
  return found;
}
