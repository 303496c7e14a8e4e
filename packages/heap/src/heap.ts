/**
 * One thread's part of a runtime's shared heap: which class is which type id, the string cache, kept handles, batches.
 */
import {
  type HeapExports,
  type Kernel,
  KernelPanicError,
  Layout as L,
  OutOfMemoryError,
  SegmentationFaultError,
  StorageError,
} from "@ungil/kernel";
import { LimitError, NoRuntimeError, RuntimeClosedError, StructConflictError, UnknownStructError } from "./errors.js";
import { leaking, releasing } from "./release.js";
import { Room } from "./room.js";
import type { StructLayout } from "./schema.js";
import { innermost, keptScope, Scope, thread, within } from "./scope.js";
import { ADDRESS, addressOf, isWrapper, KIND, SCOPE, type Wrap, type Wrapper } from "./shared.js";
import { signatureOf } from "./signature.js";
import { Strings } from "./strings.js";

/** Wrappers of the kinds that are not structs; filled by the modules that define them. */
export const builtinWraps = new Map<number, Wrap>();

/** Struct classes of this thread, by name: what a type id found in memory is looked up in. */
export const structsByName = new Map<string, StructLayout[]>();

export class Heap {
  readonly x: HeapExports;
  readonly strings: Strings;
  /** Where the thread stands outside coroutines. */
  readonly root: Scope;
  readonly #ids = new Map<StructLayout, number>();
  readonly #layouts: (StructLayout | undefined)[] = [];
  readonly #wraps: (Wrap | undefined)[] = [];
  readonly #leaked: FinalizationRegistry<{ address: number; scope: Scope }>;
  readonly #kept = new Map<number, number>();
  /** Its innermost scope, while this thread works in another runtime's. */
  resting: Scope | null = null;
  /** Of a snapshot. */
  readonly isReadOnly: boolean = false;
  /** The batch that is open on this thread, if any. */
  #batch: Scope | null = null;
  #closed = false;

  constructor(
    readonly kernel: Kernel,
    x: HeapExports = kernel.exports,
  ) {
    this.x = x;
    kernel.pageFault = (code) => this.fault(code);
    this.strings = this.makeStrings();
    this.root = new Scope(this, this.x, false);
    // A kept handle that was dropped without being released is released when V8 notices: late, but not never.
    this.#leaked = new FinalizationRegistry(({ address, scope }) => this.release(address, scope));
    // Every handle leads here: what compares or prints its properties (assert.deepStrictEqual) must not walk all memory.
    for (const key of Object.keys(this)) Object.defineProperty(this, key, { enumerable: false });
  }

  protected makeStrings(): Strings {
    return new Strings(this, this.kernel, this.x);
  }

  // Errors and memory.

  /** Runs a kernel call that returns an address; reclaims and tries again when memory is out. Throws on an error code. */
  retry(what: string, operation: () => number): number {
    let result = operation();
    if (result === L.E_MEMORY) {
      const room = new Room(this);
      while (result === L.E_MEMORY && room.make()) result = operation();
    }
    return result >= 0 && result < L.ERROR_LIMIT ? this.fail(what, result) : result;
  }

  /** The same for a call that returns a status or a tag: negative codes are errors. */
  retryStatus(what: string, operation: () => number): number {
    let result = operation();
    if (result === -L.E_MEMORY) {
      const room = new Room(this);
      while (result === -L.E_MEMORY && room.make()) result = operation();
    }
    if (result < 0 && result > -L.ERROR_LIMIT) this.fail(what, -result);
    return result;
  }

  /** Memory is out: gives back what can be given back; if that was not enough before, strings that are only cached too. */
  reclaim(triesBefore: number): void {
    if (triesBefore > 0) this.strings.shedAll();
    this.x.reclaim();
    if (triesBefore > 0) this.wakeOthers();
    this.strings.reserve();
  }

  /** Memory is out, although all that counts can free has been freed: true if a collection of cycles has ended meanwhile. */
  collect(): boolean {
    return false;
  }

  /** Wakes threads that sleep over garbage of theirs, waits for them a little, and reclaims what they give back. */
  protected wakeOthers(): void {}

  /**
   * A page that the running operation needs cannot be had. It ends here, as if its thread had died at this moment: what it
   * leaves is whole, or too much at most, and the kernel lock that it may hold is given back.
   */
  protected fault(code: number): never {
    this.x.journalRecover(this.kernel.slot);
    return this.fail("An object's page", code);
  }

  /** Throws the error for a kernel code. */
  fail(what: string, code: number): never {
    if (code === L.E_MEMORY) throw new OutOfMemoryError(what);
    if (code === L.E_LIMIT) throw new LimitError(`${what}: a limit of the kernel was reached`);
    if (code === L.E_PANIC) throw new KernelPanicError(what);
    if (code === L.E_SWAP)
      throw new StorageError(`${what} could not be read from the swap file`, { cause: this.kernel.swap?.error });
    const address = this.kernel.u32[(this.kernel.block + L.TB_FAULT_ADDRESS) >>> 2] as number;
    const reasons: Record<number, string> = {
      [L.E_NULL]: "page 0 is never mapped",
      [L.E_FAULT]: "the page is not mapped",
    };
    throw new SegmentationFaultError(address, what, reasons[code] ?? `kernel error ${code}`);
  }

  // Batches.

  /** Runs synchronous work as a step of its own. What it returns, if it is a handle, is kept. */
  batch<T>(work: (scope: Scope) => T): T {
    if (this.#closed) throw this.closedError();
    // Another runtime's batch runs inside one of this runtime: the latter, which is still open, goes on.
    const open = this.#batch && innermost(this);
    if (open) return within(open, () => work(open));
    const scope = new Scope(this, this.x, true);
    this.begin();
    this.#batch = scope;
    try {
      return within(scope, () => {
        this.strings.obey();
        return this.#keepAll(work(scope), scope) as T;
      });
    } finally {
      scope.open = false;
      this.#batch = null;
      this.end();
    }
  }

  protected begin(): void {
    this.x.batchBegin();
  }

  protected end(): void {
    releasing(() => this.x.batchEnd());
  }

  /** What leaves a batch: its handles are kept, also those in plain arrays and objects (copies, entries). */
  #keepAll(value: unknown, scope: Scope): unknown {
    if (typeof value !== "object" || value === null) return value;
    if (isWrapper(value)) return value[SCOPE] === scope ? this.keep(value) : value;
    const holders = new Set<object>([value]);
    // The set grows while it is walked.
    for (const holder of holders) {
      if (!Array.isArray(holder) && Object.getPrototypeOf(holder) !== Object.prototype) continue;
      for (const key of Object.keys(holder)) {
        const { value: item, writable } = Object.getOwnPropertyDescriptor(holder, key) as PropertyDescriptor;
        if (typeof item !== "object" || item === null) continue;
        if (!isWrapper(item)) holders.add(item);
        else if (item[SCOPE] !== scope) continue;
        else if (writable) (holder as Record<string, unknown>)[key] = this.keep(item);
        else this.keepConstructed(item, item[ADDRESS]); // frozen: nothing else can stand there
      }
    }
    return value;
  }

  // Kept handles.

  keep(wrapper: Wrapper): Wrapper {
    if (!this.#isRunning()) return this.batch(() => this.keep(wrapper));
    const address = addressOf(wrapper);
    const scope = this.adopt(address);
    const kept = new (wrapper[KIND] as { wrap: Wrap }).wrap(address, scope);
    this.#leaked.register(kept, { address, scope }, scope);
    return kept;
  }

  /** Counts an address for a kept handle (its wrapper is registered by the caller): the scope that is to be released. */
  adopt(address: number): Scope {
    const scope = keptScope(this);
    this.x.countIncrement(address);
    this.note(address, scope);
    return scope;
  }

  /** Notes a kept handle, which is counted, for the verifier. */
  protected note(address: number, _scope: Scope): void {
    this.#kept.set(address, (this.#kept.get(address) ?? 0) + 1);
  }

  /** Forgets it; its count is given back afterwards. */
  protected forget(address: number, _scope: Scope): void {
    const left = (this.#kept.get(address) ?? 0) - 1;
    if (left > 0) this.#kept.set(address, left);
    else this.#kept.delete(address);
  }

  /** Whether the heap was restored to a moment before this handle was kept: its count is no more. */
  isVoid(_scope: Scope): boolean {
    return false;
  }

  /** Makes a wrapper itself a kept one: it is being constructed, or cannot be replaced where it stands. */
  keepConstructed(wrapper: Wrapper, address: number): void {
    const scope = this.adopt(address);
    wrapper[ADDRESS] = address;
    wrapper[SCOPE] = scope;
    this.#leaked.register(wrapper, { address, scope }, scope);
  }

  release(address: number, scope: Scope): void {
    if (scope.released) return;
    // Outside a step it may throw for want of stack: then nothing has changed.
    if (!this.#isRunning() && !this.#closed) return this.batch(() => this.release(address, scope));
    scope.released = true;
    this.#leaked.unregister(scope);
    if (this.#closed || this.isVoid(scope)) return;
    this.forget(address, scope);
    leaking(() => this.x.countDecrement(address));
  }

  /** True if this thread runs a step, or a batch, of this runtime now. */
  #isRunning(): boolean {
    return thread.scope?.open === true && thread.scope.heap === this;
  }

  /** Addresses of this thread's kept handles, each as often as it is kept: what `verifyHeap` must know. */
  *kept(): Generator<number> {
    for (const [address, n] of this.#kept) for (let k = 0; k < n; k++) yield address >>> 0;
  }

  // Types.

  /** Changes whenever the heap is restored: what this thread has known of addresses before is void then. */
  get restored(): number {
    return this.kernel.control(L.CB_RESTORED);
  }

  /** Type id of a struct class, registering it in the shared table at its first use. */
  typeId(layout: StructLayout): number {
    return this.#ids.get(layout) ?? this.#register(layout);
  }

  /**
   * Registers a struct and all that its references lead to: what is read from a field is taken for an object of the class
   * that the field names, so that class must have been found the same as the other threads' before.
   */
  #register(layout: StructLayout): number {
    const ids = new Map<StructLayout, number>();
    const all = [layout];
    for (const one of all) {
      if (ids.has(one) || this.#ids.has(one)) continue;
      ids.set(one, this.#define(one));
      all.push(...signatureOf(one).targets);
    }
    for (const [one, id] of ids) {
      this.#ids.set(one, id);
      this.#layouts[id] = one;
    }
    return ids.get(layout) as number;
  }

  #define(layout: StructLayout): number {
    const { x, strings } = this;
    const { text, hash } = signatureOf(layout);
    const name = strings.address(layout.name);
    const url = strings.address(layout.url);
    const schema = strings.address(text);
    const id = x.typeRegister(name, url, schema, ...hash, layout.size, ...layout.refMask);
    if (id === 0)
      throw new LimitError(
        `Struct "${layout.name}": there are ${L.TYPES_MAX - L.TYPE_FIRST_USER} struct types already`,
      );
    if (id < 0) {
      const other = this.typeText(-id);
      throw new StructConflictError(layout.name, layout.url, text, other.url, other.schema);
    }
    return id;
  }

  typeText(id: number): { name: string; url: string; schema: string } {
    const { u32, outA, outB, outRef } = this.kernel;
    this.x.typeRead(id);
    const [name, url, schema] = [u32[outA], u32[outB], u32[outRef]].map((address) =>
      address ? this.strings.read((address as number) | 0) : "",
    );
    return { name: name ?? "", url: url ?? "", schema: schema ?? "" };
  }

  /** Makes wrappers of objects of a type found in memory. */
  wrapOf(type: number): Wrap {
    return builtinWraps.get(type) ?? this.#wraps[type] ?? this.#findWrap(type);
  }

  #findWrap(type: number): Wrap {
    const layout = this.#layouts[type] ?? this.#findLayout(type);
    this.#wraps[type] = layout.token.wrap;
    return layout.token.wrap;
  }

  #findLayout(type: number): StructLayout {
    const { name, url } = this.typeText(type);
    let conflict: unknown = null;
    for (const layout of structsByName.get(name) ?? []) {
      try {
        if (this.typeId(layout) === type) return layout;
      } catch (error) {
        // Another struct of that name; the right one may be there too.
        conflict ??= error;
      }
    }
    throw conflict ?? new UnknownStructError(name, url);
  }

  // Introspection.

  /** Physical address of an object, in a step only: it keeps the page in memory. 0 where nothing is mapped. */
  protected physical(address: number): number {
    return this.x.translate(address);
  }

  #inStep<T>(work: () => T): T {
    return this.#isRunning() ? work() : this.batch(work);
  }

  countOf(address: number): number {
    return this.#inStep(() => this.kernel.u32[(this.physical(address) + L.OBJECT_COUNT) >>> 2]! >>> L.COUNT_SHIFT);
  }

  typeOf(address: number): number {
    return this.#inStep(() => this.kernel.u32[this.physical(address) >>> 2]! & L.TYPE_MASK);
  }

  /** Bytes of an object's blocks: what the allocator gave it, with its growing parts. */
  sizeOf(address: number): number {
    const { kernel } = this;
    const parts = this.#inStep(() => {
      const at = this.physical(address) >>> 2;
      const type = kernel.u32[at]! & L.TYPE_MASK;
      if (type === L.TYPE_LIST) return [kernel.u32[at + (L.LIST_ITEMS >>> 2)]!];
      if (type !== L.TYPE_DICT) return [];
      const tables = at + (L.DICT_TABLES >>> 2);
      return [...kernel.u32.subarray(tables, tables + L.DICT_SHARDS)];
    });
    let bytes = this.blockSize(address);
    for (const part of parts) if (part) bytes += this.blockSize(part);
    return bytes;
  }

  blockSize(address: number): number {
    const { kernel } = this;
    const descriptor = kernel.control(L.CB_DESCRIPTORS) + (address >>> L.PAGE_SHIFT) * L.PAGE_DESCRIPTOR_SIZE;
    return kernel.u32[(descriptor + L.PD_BLOCK_SIZE) >>> 2] as number;
  }

  /** No handle of this heap works any more. */
  close(): void {
    this.#closed = true;
    this.root.open = false;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** What a use after `close` throws. */
  closedError(): Error {
    return new RuntimeClosedError();
  }
}

/** The scope in which an object is made now, or an error that says what to do. */
export function scopeHere(what: string): Scope {
  if (!thread.scope) throw new NoRuntimeError(what);
  return thread.scope;
}
