// Slow, plain implementations from the papers, to compare with: nothing here is shared with what is tested.
// A reference is a function of a page that says whether it was a hit.

export type Settings = Record<string, number | boolean>;
export type Reference = (page: number, write: boolean) => boolean;

export function fifo(capacity: number): Reference {
  const queue: number[] = [];
  return (page) => {
    if (queue.includes(page)) return true;
    if (queue.length === capacity) queue.shift();
    queue.push(page);
    return false;
  };
}

export function lru(capacity: number): Reference {
  const recent: number[] = [];
  return (page) => {
    const at = recent.indexOf(page);
    if (at >= 0) recent.splice(at, 1);
    else if (recent.length === capacity) recent.shift();
    recent.push(page);
    return at >= 0;
  };
}

/** The second-chance queue: the same as the hand that goes round. */
export function clock(capacity: number, { referenced }: Settings): Reference {
  const queue: { page: number; bit: boolean }[] = [];
  return (page) => {
    const found = queue.find((entry) => entry.page === page);
    if (found) {
      found.bit = true;
      return true;
    }
    while (queue.length === capacity) {
      const first = queue.shift()!;
      if (first.bit) queue.push({ page: first.page, bit: false });
    }
    queue.push({ page, bit: referenced === true });
    return false;
  };
}

/** Needs the whole trace, and looks through the rest of it at every fault. */
export function opt(capacity: number, trace: readonly number[]): Reference {
  let resident: number[] = [];
  let now = 0;
  return (page) => {
    now++;
    if (resident.includes(page)) return true;
    if (resident.length === capacity) {
      const next = (other: number) => {
        const at = trace.indexOf(other, now);
        return at < 0 ? Number.POSITIVE_INFINITY : at;
      };
      const victim = resident.reduce((last, other) => (next(other) > next(last) ? other : last));
      resident = resident.filter((other) => other !== victim);
    }
    resident.push(page);
    return false;
  };
}
