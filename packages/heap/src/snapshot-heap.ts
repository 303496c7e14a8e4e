/**
 * The heap as it was when a snapshot was taken. Handles of it are like those of the heap itself, of the same classes, but read
 * another instance of the kernel, whose translations lead to what the pages were (the kernel's paging/view.ts). Nothing can be
 * made or changed: every call that would is refused here, and the kernel maps no page for writing.
 */
import { type HeapExports, type Kernel, Layout as L } from "@ungil/kernel";
import {
  ForeignObjectError,
  NotInSnapshotError,
  RuntimeClosedError,
  SnapshotClosedError,
  SnapshotLostError,
  SnapshotReadOnlyError,
} from "./errors.js";
import { Heap } from "./heap.js";
import { ADDRESS, addressOf, KIND, nameOf, SCOPE, type Wrap, type Wrapper } from "./shared.js";
import { NO_STRING, Strings } from "./strings.js";

/** Calls that a view answers; whatever else changes something. */
const READS = [
  "borrow",
  "dictEntryKey",
  "dictEntryValue",
  "dictFindLong",
  "dictFindText",
  "dictGet",
  "dictSize",
  "f64Load",
  "i32Load",
  "listGet",
  "listLength",
  "refLoad",
  "scopeClose",
  "scopeOpen",
  "snapshotIsWhole",
  "stringRead",
  "taskInspect",
  "translate",
  "viewBegin",
  "viewBlockSize",
  "viewEnd",
  "weakSee",
] as const;

/** What it counts, and keeps from being freed, is kept anyway. */
const NOTHING = ["countIncrement", "countDecrement", "stringCache", "stringCacheClear", "stringCacheTurn"] as const;

function readOnly(x: HeapExports): HeapExports {
  const table: Record<string, unknown> = {};
  for (const name of Object.keys(x)) {
    table[name] = () => {
      throw new SnapshotReadOnlyError();
    };
  }
  for (const name of READS) table[name] = (x as unknown as Record<string, unknown>)[name];
  for (const name of NOTHING) table[name] = () => 0;
  return table as unknown as HeapExports;
}

/** There is no intern table in a snapshot: keys are found by their text. */
class SnapshotStrings extends Strings {
  override address(): number {
    throw new SnapshotReadOnlyError();
  }

  override find(dict: number, text: string): number {
    if (text.length > L.INTERN_MAX) return this.findLong(dict, text);
    const wide = this.writeUnits(text);
    return this.heap.retry("A key", () => this.x.dictFindText(dict, text.length, wide) || NO_STRING);
  }

  /** Two long strings of one hash: this one is looked for among all keys. */
  protected override otherOfItsHash(dict: number, text: string): number {
    for (let shard = 0; shard < L.DICT_SHARDS; shard++) {
      for (let n = 0; ; n++) {
        const tag = this.x.dictEntryKey(dict, shard, n);
        if (tag === L.TAG_ABSENT) break;
        const key = this.kernel.i32[this.kernel.outRef] as number;
        if (tag === L.TAG_REF && this.read(key) === text) return key;
      }
    }
    return NO_STRING;
  }
}

export class SnapshotHeap extends Heap {
  override readonly isReadOnly: boolean = true;
  readonly #live: Heap;
  readonly #cut: number;
  readonly #wraps = new Map<number, Wrap>();
  #running = false;

  /** `view`: an instance of the kernel that reads cut `cut` of the memory of `live`. */
  constructor(view: Kernel, live: Heap, cut: number) {
    super(view, readOnly(view.exports));
    this.#live = live;
    this.#cut = cut;
  }

  /** A handle on what an object was. */
  see(wrapper: Wrapper): Wrapper {
    addressOf(wrapper);
    if (wrapper[SCOPE].heap.kernel.machine.memory !== this.kernel.machine.memory)
      throw new ForeignObjectError(`The ${nameOf(wrapper)}`);
    return this.batch((scope) => {
      const address = wrapper[ADDRESS];
      const { u32 } = this.kernel;
      const now = this.#live.typeOf(address);
      const then = this.physical(address) >>> 2;
      const count = u32[then + (L.OBJECT_COUNT >>> 2)] as number;
      const sameType = (u32[then]! & L.TYPE_MASK) === now;
      // Between steps whatever is alive is counted: what is not was what is left of something dead.
      if (!sameType || count >>> L.COUNT_SHIFT === 0 || count & L.COUNT_DYING)
        throw new NotInSnapshotError(nameOf(wrapper));
      return new (wrapper[KIND] as { wrap: Wrap }).wrap(address, scope);
    });
  }

  /** Whether a batch of this heap is open. */
  get isRunning(): boolean {
    return this.#running;
  }

  /** Called when the batch that is open has ended. */
  onEnd: (() => void) | null = null;

  protected override makeStrings(): Strings {
    return new SnapshotStrings(this, this.kernel, this.x);
  }

  protected override begin(): void {
    this.x.viewBegin();
    this.#running = true;
  }

  protected override end(): void {
    this.x.viewEnd();
    this.#running = false;
    this.onEnd?.();
  }

  override closedError(): Error {
    return this.#live.closed ? new RuntimeClosedError() : new SnapshotClosedError();
  }

  /** Classes are known by the heap itself. */
  override wrapOf(type: number): Wrap {
    const known = this.#wraps.get(type);
    if (known) return known;
    const wrap = this.#live.batch(() => this.#live.wrapOf(type));
    this.#wraps.set(type, wrap);
    return wrap;
  }

  protected override physical(address: number): number {
    return this.#running ? this.x.translate(address) : this.batch(() => this.x.translate(address));
  }

  override blockSize(address: number): number {
    return this.#running ? this.x.viewBlockSize(address) : this.batch(() => this.x.viewBlockSize(address));
  }

  protected override fault(code: number): never {
    return this.fail("Reading a snapshot", code);
  }

  override fail(what: string, code: number): never {
    if (code === L.E_PROTECTION) throw new SnapshotReadOnlyError();
    if (!this.x.snapshotIsWhole(this.#cut)) throw new SnapshotLostError();
    if (code === L.E_FAULT || code === L.E_NULL) throw new NotInSnapshotError("What is read");
    return super.fail(what, code);
  }
}
