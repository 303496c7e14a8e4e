/** What a deadlock looks like: the coroutines that have started, and what each waits for. */
import { Layout as L, SyncLayout as S } from "@ungil/kernel";
import type { Thread } from "./thread.js";

export interface StuckTask {
  readonly kind: number;
  /** One line about it. */
  readonly text: string;
}

/** Every started task of every thread that waits for a lock or a task. Inside a batch. */
export function collectWaits(owner: Thread): StuckTask[] {
  const { x, kernel, heap } = owner;
  const stuck: StuckTask[] = [];
  for (let slot = 2; slot < kernel.control(L.CB_SLOTS); slot++) {
    for (let from = x.taskScan(slot, 0); from !== 0; from = x.taskScan(slot, from)) {
      const task = kernel.i32[kernel.outRef] as number;
      x.taskInspect(task);
      const name = heap.strings.read(kernel.i32[kernel.outRef] as number);
      x.taskInspect(task);
      const kind = kernel.u32[kernel.outA] as number;
      const target = kernel.i32[kernel.outB] as number;
      const number = kernel.u32[kernel.outType] as number;
      stuck.push({
        kind,
        text: `${name} (task ${number}, thread ${slot - 1}) waits for ${describe(owner, kind, target)}`,
      });
    }
  }
  return stuck;
}

function describe(owner: Thread, kind: number, target: number): string {
  if (kind === S.WAIT_LOCK) return `the lock of ${typeName(owner, target)} 0x${(target >>> 0).toString(16)}`;
  if (kind === S.WAIT_CHILDREN) return "its children to end";
  if (kind !== S.WAIT_TASK) return "the end of its wait";
  const id = owner.idOf(target);
  return `task ${owner.kernel.u32[owner.kernel.outType]}, ${id.slice(id.lastIndexOf("#") + 1)}`;
}

function typeName(owner: Thread, address: number): string {
  const { kernel, heap } = owner;
  const at = kernel.walk(address >>> 0);
  const type = at ? (kernel.u32[at >>> 2] as number) & L.TYPE_MASK : 0;
  if (type >= L.TYPE_FIRST_USER) return heap.typeText(type).name;
  return { [L.TYPE_LIST]: "List", [L.TYPE_DICT]: "Dict", [L.TYPE_TASK]: "Task" }[type] ?? "object";
}
