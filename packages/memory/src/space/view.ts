/**
 * A window on physical memory without a copy, over pages whose frames lie next to each other. Its frames are pinned until it
 * is released: neither evicted nor moved, and if they are unmapped meanwhile they are not reused.
 */
import { VirtualMemoryError } from "../errors.js";
import { pteNumber } from "../paging/index.js";
import { translate } from "./bytes.js";
import { hex, type SpaceState } from "./space-state.js";

export class View {
  private window: Uint8Array | undefined;

  /** @internal Use `space.view` or `space.openView`. */
  constructor(
    private readonly space: SpaceState,
    private readonly frames: readonly number[],
    private readonly writes: boolean,
    bytes: Uint8Array,
  ) {
    this.window = bytes;
  }

  /** The bytes themselves. Do not use them once the view is released: then they may be anyone's. VirtualMemoryError after that. */
  get bytes(): Uint8Array {
    if (this.window === undefined) throw new VirtualMemoryError("the view has been released");
    return this.window;
  }

  get released(): boolean {
    return this.window === undefined;
  }

  release(): void {
    if (this.window === undefined) return;
    this.window = undefined;
    const { pager } = this.space;
    for (const frame of this.frames) {
      if (this.writes) {
        pager.frames.writers[frame]!--;
        pager.frames.dirty[frame] = 1;
      }
      pager.unpin(frame);
      pager.reap(frame);
    }
  }

  [Symbol.dispose](): void {
    this.release();
  }
}

export function openView(space: SpaceState, address: number, length: number, write: boolean): View {
  const { frames } = space.pager;
  const { pageSize } = frames;
  const last = Math.floor((address + length - 1) / pageSize);
  const pinned: number[] = [];
  try {
    for (let page = Math.floor(address / pageSize); page <= last; page++) {
      translate(space, Math.max(address, page * pageSize), write);
      const frame = pteNumber(space.table.get(page));
      const before = pinned.at(-1);
      if (before !== undefined && frame !== before + 1)
        throw new VirtualMemoryError(
          `the pages at ${hex((page - 1) * pageSize)} and ${hex(page * pageSize)} do not lie next to each other in physical memory: ` +
            "view one page at a time, or map the region with huge: true",
        );
      space.pager.pin(frame);
      pinned.push(frame);
    }
  } catch (error) {
    for (const frame of pinned) space.pager.unpin(frame);
    throw error;
  }
  if (write) for (const frame of pinned) frames.writers[frame]!++;
  const from = pinned[0]! * pageSize + (address % pageSize);
  return new View(space, pinned, write, frames.bytes.subarray(from, from + length));
}
