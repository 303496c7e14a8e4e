/** Saving a snapshot: what is reached from its roots, and what another process must know to read it. */
import { type Kernel, Layout as L } from "@ungil/kernel";
import { ForeignObjectError, NotInSnapshotError, NotSaveableError } from "./errors.js";
import type { Heap } from "./heap.js";
import { builtinShapes, type ImageHeader, type ImageType, layoutHash, type Shape, shapeOf } from "./image-objects.js";
import { pathTo } from "./image-path.js";
import { ImageScan } from "./image-scan.js";
import { ImageSource } from "./image-source.js";
import { ADDRESS, addressOf, nameOf, SCOPE, type Wrapper } from "./shared.js";

export class ImageSave {
  readonly #heap: Heap;
  readonly #kernel: Kernel;
  readonly #source: ImageSource;
  readonly #roots: Readonly<Record<string, number>>;
  readonly #time: number;
  readonly scan: ImageScan;

  /** Of the snapshot of cut `cut`, taken at `time`. Close it. */
  constructor(heap: Heap, cut: number, time: number, roots: Readonly<Record<string, Wrapper>>) {
    this.#heap = heap;
    this.#kernel = heap.kernel;
    this.#time = time;
    const addresses = Object.entries(roots).map(([name, root]) => [name, addressIn(heap, root)] as const);
    this.#roots = Object.fromEntries(addresses);
    this.#source = new ImageSource(heap.kernel, cut);
    const shapes = this.#shapes();
    this.scan = new ImageScan(this.#source, shapes, (_type, address) => {
      return new NotSaveableError(pathTo(this.#source, shapes, heap, this.#roots, address));
    });
    try {
      for (const root of Object.values(roots)) this.#mustBeThere(root);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Marks what is to be saved, a page a step. */
  mark(): Generator<void> {
    return this.scan.mark(Object.values(this.#roots));
  }

  /** Between steps whatever is alive is counted: what is not was what is left of something dead. */
  #mustBeThere(root: Wrapper): void {
    const address = root[ADDRESS] >>> 0;
    const page = this.#source.page(address >>> L.PAGE_SHIFT);
    const at = (address & L.PAGE_MASK) >>> 2;
    const [header, count] = [page?.words[at] ?? 0, page?.words[at + (L.OBJECT_COUNT >>> 2)] ?? 0];
    const now = root[SCOPE].heap.isReadOnly ? header : this.#heap.typeOf(address | 0);
    const isSame = ((header ^ now) & L.TYPE_MASK) === 0;
    if (!isSame || count >>> L.COUNT_SHIFT === 0 || count & L.COUNT_DYING) throw new NotInSnapshotError(nameOf(root));
  }

  /** Types that are registered; what has objects in the snapshot is among them. */
  #shapes(): Map<number, Shape> {
    const shapes = new Map(builtinShapes);
    for (let id: number = L.TYPE_FIRST_USER; id < this.#kernel.control(L.CB_TYPE_COUNT); id++) {
      const { size, refMask } = this.#entry(id);
      shapes.set(id, shapeOf(size, refMask));
    }
    return shapes;
  }

  #entry(id: number): Omit<ImageType, "name" | "url" | "schema"> {
    const { u32 } = this.#kernel;
    const entry = this.#kernel.control(L.CB_TYPES) + id * L.TYPE_ENTRY_SIZE;
    const field = (offset: number) => u32[(entry + offset) >>> 2] as number;
    return {
      id,
      hash: [field(L.TYPE_HASH_LOW), field(L.TYPE_HASH_HIGH)],
      size: field(L.TYPE_SIZE),
      refMask: [field(L.TYPE_REF_MASK), field(L.TYPE_REF_MASK + 4)],
    };
  }

  /** What goes with the pages. In a batch, when all is marked. */
  header(): ImageHeader {
    const types = [...this.scan.types].filter((id) => id >= L.TYPE_FIRST_USER).sort((a, b) => a - b);
    return {
      layout: layoutHash,
      time: this.#time,
      memory: this.#kernel.control(L.CB_FRAMES) * L.PAGE_SIZE,
      gil: this.#kernel.gil,
      objects: this.scan.objects,
      types: types.map((id) => ({ ...this.#entry(id), ...this.#heap.typeText(id) })),
      roots: this.#roots,
    };
  }

  close(): void {
    this.#source.close();
  }
}

/** A handle of this heap, or of a snapshot of it. */
function addressIn(heap: Heap, root: Wrapper): number {
  const address = addressOf(root) >>> 0;
  if (root[SCOPE].heap.kernel.machine.memory !== heap.kernel.machine.memory)
    throw new ForeignObjectError(`The ${nameOf(root)}`);
  return address;
}
