// Policies that are queues and lists: arrays here, the oldest page first.
import type { Reference, Settings } from "./simple.js";

const without = (list: number[], page: number): boolean => {
  const at = list.indexOf(page);
  if (at >= 0) list.splice(at, 1);
  return at >= 0;
};

const atLeast1 = (capacity: number, part: number) => Math.max(1, Math.min(capacity, Math.floor(capacity * part)));

/** Johnson and Shasha, the full version's pseudo-code. */
export function twoQueue(capacity: number, { kin, kout }: Settings): Reference {
  const a1in: number[] = [];
  const a1out: number[] = [];
  const am: number[] = [];
  const inMost = atLeast1(capacity, kin as number);
  const outMost = Math.floor(capacity * (kout as number));
  const reclaim = () => {
    if (a1in.length + am.length < capacity) return;
    if (a1in.length > inMost || am.length === 0) {
      a1out.push(a1in.shift()!);
      if (a1out.length > outMost) a1out.shift();
    } else am.shift();
  };
  return (page) => {
    if (without(am, page)) {
      am.push(page);
      return true;
    }
    if (a1in.includes(page)) return true;
    const remembered = without(a1out, page);
    reclaim();
    (remembered ? am : a1in).push(page);
    return false;
  };
}

/** Megiddo and Modha, figure 4, case by case. */
export function arc(c: number): Reference {
  const t1: number[] = [];
  const t2: number[] = [];
  const b1: number[] = [];
  const b2: number[] = [];
  let p = 0;
  const replace = (inB2: boolean) => {
    if (t1.length >= 1 && ((inB2 && t1.length === p) || t1.length > p)) b1.push(t1.shift()!);
    else if (t2.length > 0) b2.push(t2.shift()!);
    else b1.push(t1.shift()!);
  };
  return (x) => {
    if (without(t1, x) || without(t2, x)) {
      t2.push(x); // case I
      return true;
    }
    if (b1.includes(x)) {
      p = Math.min(c, p + Math.max(b2.length / b1.length, 1)); // case II
      replace(false);
      without(b1, x);
      t2.push(x);
      return false;
    }
    if (b2.includes(x)) {
      p = Math.max(0, p - Math.max(b1.length / b2.length, 1)); // case III
      replace(true);
      without(b2, x);
      t2.push(x);
      return false;
    }
    if (t1.length + b1.length === c) {
      // case IV (i)
      if (t1.length < c) {
        b1.shift();
        replace(false);
      } else t1.shift();
    } else {
      const all = t1.length + t2.length + b1.length + b2.length;
      if (all >= c) {
        // case IV (ii)
        if (all === 2 * c) b2.shift();
        replace(false);
      }
    }
    t1.push(x);
    return false;
  };
}

/** Yang and others, algorithm 1, with the main queue's eviction chosen by the small queue's size. */
export function s3fifo(capacity: number, { small: part }: Settings): Reference {
  interface Entry {
    page: number;
    freq: number;
  }
  const small: Entry[] = [];
  const main: Entry[] = [];
  const ghost: number[] = [];
  const smallSize = atLeast1(capacity, part as number);
  const evictSmall = (): boolean => {
    const t = small.shift()!;
    if (t.freq > 1) {
      main.push({ page: t.page, freq: 0 });
      return false;
    }
    ghost.push(t.page);
    if (ghost.length > capacity - smallSize) ghost.shift();
    return true;
  };
  const evictMain = (): boolean => {
    const t = main.shift()!;
    if (t.freq === 0) return true;
    main.push({ page: t.page, freq: t.freq - 1 });
    return false;
  };
  return (page) => {
    const found = [...small, ...main].find((entry) => entry.page === page);
    if (found) {
      found.freq = Math.min(found.freq + 1, 3);
      return true;
    }
    const remembered = without(ghost, page);
    if (small.length + main.length === capacity) {
      while (!(small.length >= smallSize || main.length === 0 ? evictSmall() : evictMain()));
    }
    (remembered ? main : small).push({ page, freq: 0 });
    return false;
  };
}

/** Zhang and others, algorithm 1: the hand is a page, or undefined for the tail. */
export function sieve(capacity: number): Reference {
  const queue: { page: number; visited: boolean }[] = []; // the tail, oldest, first
  let hand: number | undefined;
  return (page) => {
    const found = queue.find((entry) => entry.page === page);
    if (found) {
      found.visited = true;
      return true;
    }
    if (queue.length === capacity) {
      let at = hand === undefined ? 0 : queue.findIndex((entry) => entry.page === hand);
      while (queue[at]!.visited) {
        queue[at]!.visited = false;
        at = (at + 1) % queue.length;
      }
      hand = queue[at + 1]?.page;
      queue.splice(at, 1);
    }
    queue.push({ page, visited: false });
    return false;
  };
}

/** Jiang and Zhang, section 3.3; stack S with its top last, queue Q with its front first. */
export function lirs(capacity: number, { hir, ghosts }: Settings): Reference {
  const least = capacity > 2 ? 2 : 1;
  const hirSize = capacity === 1 ? 1 : Math.min(capacity - 1, Math.max(least, Math.floor(capacity * (hir as number))));
  const lirSize = capacity - hirSize;
  const mostGhosts = Math.floor(capacity * (ghosts as number));
  let stack: number[] = [];
  const queue: number[] = [];
  const lir = new Set<number>();
  let gone: number[] = []; // non-resident pages in S, in the order in which they left
  const prune = () => {
    while (stack.length > 0 && !lir.has(stack[0]!)) {
      const page = stack.shift()!;
      gone = gone.filter((other) => other !== page);
    }
  };
  const promote = (page: number) => {
    lir.add(page);
    while (lir.size > lirSize) {
      prune();
      const bottom = stack.shift()!;
      lir.delete(bottom);
      queue.push(bottom);
    }
  };
  return (page) => {
    const inStack = stack.includes(page);
    if (lir.has(page)) {
      without(stack, page);
      stack.push(page);
      prune();
      return true;
    }
    if (without(queue, page)) {
      without(stack, page);
      stack.push(page);
      if (inStack) promote(page);
      else queue.push(page);
      prune();
      return true;
    }
    if (inStack) {
      without(stack, page);
      without(gone, page);
    }
    if (lir.size + queue.length === capacity) {
      const victim = queue.shift()!;
      if (stack.includes(victim)) gone.push(victim);
      while (gone.length > mostGhosts) {
        const forgotten = gone.shift()!;
        stack = stack.filter((other) => other !== forgotten);
      }
    }
    stack.push(page);
    if (inStack || lir.size < lirSize) promote(page);
    else queue.push(page);
    prune();
    return false;
  };
}
