/**
 * Deadlocks. When every thread has been still for a while (no step, no timer, no I/O, no promise, no message), each reports
 * what its fibers wait for, and the main thread looks at the graph: who waits, and who could end that wait. A fiber is *stuck*
 * if everybody who could end its wait is stuck too. Whatever else may end it is not: a lock that JavaScript outside coroutines
 * holds (the main thread's timers and I/O are not seen), a promise of the main thread. Of the stuck ones those fail that
 * wait for each other in a circle; who only waits for one of them may go on then.
 *
 * Not before all is still: whatever runs can release the guard of a coroutine that waits, or cancel it, so a circle beside
 * it need not last.
 */
import { Layout as L, SyncLayout as S } from "@ungil/kernel";
import { ENDED, type Fiber, WAITING } from "./fiber.js";
import type { Thread } from "./thread.js";

/** What a fiber waits for, as its thread reports it to the main thread. */
export interface FiberWait {
  /** Its number on its thread. */
  readonly fiber: number;
  readonly task: number;
  /** True for the coroutine itself, false for a strand of `all`. */
  readonly isRoot: boolean;
  /** WAIT_LOCK or WAIT_TASK with their `target`, WAIT_CHILDREN with `strands`; WAIT_NONE for anything else. */
  readonly kind: number;
  readonly target: number;
  readonly strands: readonly number[];
  /** The coroutine has returned, and waits for its children: that cannot be broken. */
  readonly isEnding: boolean;
}

/** Fibers that wait for each other, what is said of them, and those of each thread (by slot) that are to fail. */
export interface Deadlock {
  readonly coroutines: string[];
  readonly breaks: Map<number, FiberWait[]>;
}

/** What keeps this thread's event loop alive, by kind: timers, sockets, requests, ports. */
export function activities(): Map<string, number> {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return counts;
}

/** Whether this thread waits for something that it did not when it was new: its JavaScript may go on by itself. */
export function isActive(when: ReadonlyMap<string, number>): boolean {
  return [...activities()].some(([kind, count]) => count > (when.get(kind) ?? 0));
}

/** The report of a thread. */
export function waitsOf({ kernel, fibers }: Thread & { readonly fibers: readonly (Fiber | null)[] }): FiberWait[] {
  const waits: FiberWait[] = [];
  for (const fiber of fibers) {
    if (!fiber) continue;
    const { index, task, root, waiter, ending, wait } = fiber;
    let [kind, target]: [number, number] = [S.WAIT_NONE, 0];
    let strands: Fiber[] = [];
    if (fiber.state === WAITING && waiter !== 0) {
      kind = ending ? S.WAIT_TASK : (wait?.kind ?? S.WAIT_NONE);
      target = kernel.u32[(waiter + S.WAITER_OBJECT) >>> 2] as number;
    } else if (fiber.state === WAITING && (ending || wait?.strands)) {
      kind = S.WAIT_CHILDREN;
      strands = ending ? fibers.filter((other): other is Fiber => other?.root === fiber) : [...(wait?.strands ?? [])];
    }
    waits.push({
      fiber: index,
      task: task >>> 0,
      isRoot: root === null,
      kind,
      target,
      strands: strands.filter((strand) => strand.state !== ENDED).map((strand) => strand.index),
      isEnding: ending !== null,
    });
  }
  return waits;
}

/** A fiber; or a task: any of its fibers, for each of them may release the locks of all. */
interface Node {
  readonly slot: number;
  readonly wait: FiberWait | null;
  /** Who could end the wait; none of them: something that is not in the graph can. */
  enders: Node[];
  readonly waiters: Node[];
  isStuck: boolean;
  /** Enders that are stuck, then: waiters that are in a circle. */
  left: number;
}

const nodeOf = (slot: number, wait: FiberWait | null): Node => ({
  slot,
  wait,
  enders: [],
  waiters: [],
  isStuck: true,
  left: 0,
});

/** The deadlocks in the reports of all threads, by slot. Inside a batch. */
export function findDeadlocks(owner: Thread, reports: ReadonlyMap<number, readonly FiberWait[]>): Deadlock[] {
  const nodes = graph(reports, lockHolders(owner));
  keepStuck(nodes);
  keepCircles(nodes);
  return components(nodes.filter((node) => node.isStuck)).map((members) => deadlockOf(owner, members));
}

function graph(reports: ReadonlyMap<number, readonly FiberWait[]>, holders: ReadonlyMap<number, number>): Node[] {
  const fibers = new Map<string, Node>();
  const roots = new Map<number, Node>();
  const tasks = new Map<number, Node>();
  for (const [slot, waits] of reports) {
    for (const wait of waits) {
      const node = nodeOf(slot, wait);
      fibers.set(`${slot}:${wait.fiber}`, node);
      if (wait.isRoot) roots.set(wait.task, node);
      const task = tasks.get(wait.task) ?? nodeOf(slot, null);
      task.enders.push(node);
      tasks.set(wait.task, task);
    }
  }
  for (const node of fibers.values()) {
    const { kind, target, strands } = node.wait as FiberWait;
    let enders: (Node | undefined)[] = [];
    if (kind === S.WAIT_LOCK) enders = [tasks.get(holders.get(target) ?? 0)];
    else if (kind === S.WAIT_TASK) enders = [roots.get(target)];
    else if (kind === S.WAIT_CHILDREN) enders = strands.map((strand) => fibers.get(`${node.slot}:${strand}`));
    if (enders.every((ender) => ender !== undefined)) node.enders = enders as Node[];
  }
  const nodes = [...fibers.values(), ...tasks.values()];
  for (const node of nodes) for (const ender of node.enders) ender.waiters.push(node);
  return nodes;
}

/** The tasks that hold locks, by object. A lock that JavaScript outside coroutines holds is not here. */
function lockHolders({ kernel }: Thread): Map<number, number> {
  const holders = new Map<number, number>();
  const word = (at: number) => kernel.u32[at >>> 2] as number;
  for (let slot = 2; slot < kernel.control(L.CB_SLOTS); slot++) {
    for (let frame = word(kernel.threadBlock(slot) + S.TB_LOCK_FRAMES); frame; frame = word(frame)) {
      for (let entry = frame + S.HELD_SIZE; entry < frame + L.PAGE_SIZE; entry += S.HELD_SIZE) {
        const task = word(entry + S.HELD_TASK);
        if (task > S.HELD_KEPT) holders.set(word(entry + S.HELD_OBJECT), task);
      }
    }
  }
  return holders;
}

/** Unmarks all whose wait may end: those that somebody outside the graph can wake, and whoever they can. */
function keepStuck(nodes: readonly Node[]): void {
  const free = nodes.filter((node) => node.enders.length === 0);
  for (const node of free) node.isStuck = false;
  for (let node = free.pop(); node; node = free.pop()) {
    for (const waiter of node.waiters) {
      if (!waiter.isStuck) continue;
      waiter.isStuck = false;
      free.push(waiter);
    }
  }
}

/** Unmarks those for whom nobody waits who is stuck: they are behind a circle, not in one. */
function keepCircles(nodes: readonly Node[]): void {
  for (const node of nodes) node.left = node.waiters.filter((waiter) => waiter.isStuck).length;
  const behind = nodes.filter((node) => node.isStuck && node.left === 0);
  for (let node = behind.pop(); node; node = behind.pop()) {
    node.isStuck = false;
    for (const ender of node.enders) if (--ender.left === 0 && ender.isStuck) behind.push(ender);
  }
}

/** Nodes that have to do with each other. */
function components(nodes: readonly Node[]): Node[][] {
  const left = new Set(nodes);
  const found: Node[][] = [];
  for (const first of nodes) {
    if (!left.delete(first)) continue;
    const members = [first];
    // The array grows while it is walked.
    for (const node of members) {
      for (const other of [...node.enders, ...node.waiters]) if (left.delete(other)) members.push(other);
    }
    found.push(members);
  }
  return found;
}

function deadlockOf(owner: Thread, members: readonly Node[]): Deadlock {
  const waits = members.filter(({ wait }) => wait && wait.kind !== S.WAIT_CHILDREN) as (Node & { wait: FiberWait })[];
  // Locks first: whoever waits for a task gets that task's error then.
  const breakable = (kind: number) => waits.filter(({ wait }) => wait.kind === kind && !wait.isEnding);
  const locks = breakable(S.WAIT_LOCK);
  const breaks = new Map<number, FiberWait[]>();
  for (const { slot, wait } of locks.length > 0 ? locks : breakable(S.WAIT_TASK)) {
    const list = breaks.get(slot);
    if (list) list.push(wait);
    else breaks.set(slot, [wait]);
  }
  return { coroutines: waits.map(({ slot, wait }) => describe(owner, slot, wait)), breaks };
}

function describe(owner: Thread, slot: number, { task, kind, target, isEnding }: FiberWait): string {
  const id = owner.idOf(task | 0);
  owner.x.taskInspect(task | 0);
  const serial = owner.kernel.u32[owner.kernel.outType] as number;
  const what = isEnding ? "its child, " : "";
  return `${id} (task ${serial}, thread ${slot - 1}) waits for ${what}${target ? targetText(owner, kind, target) : ""}`;
}

function targetText(owner: Thread, kind: number, target: number): string {
  if (kind === S.WAIT_LOCK) return `the lock of ${typeName(owner, target)} 0x${target.toString(16)}`;
  const id = owner.idOf(target | 0);
  owner.x.taskInspect(target | 0);
  return `task ${owner.kernel.u32[owner.kernel.outType]}, ${id.slice(id.lastIndexOf("#") + 1)}`;
}

function typeName(owner: Thread, address: number): string {
  const { kernel, heap } = owner;
  const at = kernel.walk(address);
  const type = at ? (kernel.u32[at >>> 2] as number) & L.TYPE_MASK : 0;
  if (type >= L.TYPE_FIRST_USER) return heap.typeText(type).name;
  return { [L.TYPE_LIST]: "List", [L.TYPE_DICT]: "Dict", [L.TYPE_TASK]: "Task" }[type] ?? "object";
}
