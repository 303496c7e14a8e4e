// Policies that live from bits, counters and time.

import { random } from "../support.js";
import type { Reference, Settings } from "./simple.js";

/** Classes as arrays of pages: a page that leaves one is replaced there by the last. */
export function nru(capacity: number, settings: Settings): Reference {
  const period = (settings.period as number) || capacity;
  const draw = random(settings.seed as number);
  const classes: number[][] = [[], [], [], []];
  let references = 0;
  const leave = (page: number): number => {
    const which = classes.findIndex((members) => members.includes(page));
    const members = classes[which]!;
    const last = members.pop()!;
    if (last !== page) members[members.indexOf(page)] = last;
    return which;
  };
  return (page, write) => {
    const hit = classes.some((members) => members.includes(page));
    if (hit) {
      const which = classes.findIndex((members) => members.includes(page));
      const now = which | 2 | (write ? 1 : 0);
      if (now !== which) {
        leave(page);
        classes[now]!.push(page);
      }
    } else {
      if (classes.flat().length === capacity) {
        const lowest = classes.find((members) => members.length > 0)!;
        leave(lowest[Math.floor(draw() * lowest.length)]!);
      }
      classes[write ? 3 : 2]!.push(page);
    }
    if (++references % period === 0) {
      classes[0]!.push(...classes[2]!);
      classes[1]!.push(...classes[3]!);
      classes[2] = [];
      classes[3] = [];
    }
    return hit;
  };
}

export function lfu(capacity: number): Reference {
  let resident: { page: number; count: number; last: number }[] = [];
  let now = 0;
  return (page) => {
    now++;
    const found = resident.find((entry) => entry.page === page);
    if (found) {
      found.count++;
      found.last = now;
      return true;
    }
    if (resident.length === capacity) {
      const victim = resident.reduce((least, entry) =>
        entry.count < least.count || (entry.count === least.count && entry.last < least.last) ? entry : least,
      );
      resident = resident.filter((entry) => entry !== victim);
    }
    resident.push({ page, count: 1, last: now });
    return false;
  };
}

/** One sequence of pages; a page goes to its end when its referenced bit is set; a tick sorts it, keeping equals in order. */
export function aging(capacity: number, settings: Settings): Reference {
  const period = (settings.period as number) || capacity;
  const top = 2 ** (settings.bits as number);
  let order: { page: number; counter: number; referenced: boolean }[] = [];
  let references = 0;
  const value = (entry: { counter: number; referenced: boolean }) => (entry.referenced ? top : 0) + entry.counter;
  return (page) => {
    const found = order.find((entry) => entry.page === page);
    if (found && !found.referenced) {
      order = order.filter((entry) => entry !== found);
      order.push({ ...found, referenced: true });
    }
    if (!found) {
      if (order.length === capacity) {
        const victim = order.reduce((lowest, entry) => (value(entry) < value(lowest) ? entry : lowest));
        order = order.filter((entry) => entry !== victim);
      }
      order.push({ page, counter: 0, referenced: true });
    }
    if (++references % period === 0) {
      order = order
        .sort((a, b) => value(a) - value(b))
        .map((entry) => ({ page: entry.page, counter: Math.floor(value(entry) / 2), referenced: false }));
    }
    return found !== undefined;
  };
}

/** What was referenced within the window, as far as it fits. */
export function workingSet(capacity: number, settings: Settings): Reference {
  const tau = (settings.tau as number) || capacity;
  let now = 0;
  let recent: { page: number; at: number }[] = [];
  return (page) => {
    now++;
    recent = recent.filter((entry) => entry.at >= now - tau);
    const hit = recent.some((entry) => entry.page === page);
    recent = recent.filter((entry) => entry.page !== page);
    if (recent.length === capacity) recent.shift();
    recent.push({ page, at: now });
    return hit;
  };
}

/** The sketch with its hash spelled out in whole numbers of any size. */
function sketch(capacity: number, sample: number) {
  let blocks = 1;
  while (blocks < capacity / 4) blocks *= 2;
  const counters = new Map<string, number>();
  let additions = 0;
  const word = 2n ** 32n;
  const mix = (page: number): bigint => {
    const low = BigInt(page) % word;
    const high = BigInt(page) / word;
    let x = low ^ ((high * 0x85ebca6bn) % word);
    x = ((x ^ (x >> 16n)) * 0x7feb352dn) % word;
    x = ((x ^ (x >> 15n)) * 0x846ca68bn) % word;
    return x ^ (x >> 16n);
  };
  const places = (page: number): string[] => {
    const x = mix(page);
    const y = (x * 0x9e3779b1n) % word;
    return [0n, 1n, 2n, 3n].map((r) => `${x % BigInt(blocks)} ${r} ${(y >> (16n + 4n * r)) & 15n}`);
  };
  return {
    estimate: (page: number) => Math.min(...places(page).map((place) => counters.get(place) ?? 0)),
    increment(page: number) {
      const below = places(page).filter((place) => (counters.get(place) ?? 0) < 15);
      for (const place of below) counters.set(place, (counters.get(place) ?? 0) + 1);
      if (below.length > 0 && ++additions >= sample * capacity) {
        for (const [place, count] of counters) counters.set(place, Math.floor(count / 2));
        additions = Math.floor(additions / 2);
      }
    },
  };
}

export function wTinyLfu(capacity: number, settings: Settings): Reference {
  const windowSize = Math.max(1, Math.floor(capacity * (settings.window as number)));
  const protectedSize = Math.floor((capacity - windowSize) * (settings.protected as number));
  const window: number[] = [];
  const probation: number[] = [];
  const guarded: number[] = [];
  const { estimate, increment } = sketch(capacity, settings.sample as number);
  const take = (list: number[], page: number): boolean => {
    const at = list.indexOf(page);
    if (at >= 0) list.splice(at, 1);
    return at >= 0;
  };
  return (page) => {
    if (take(window, page)) window.push(page);
    else if (take(guarded, page)) guarded.push(page);
    else if (take(probation, page)) {
      guarded.push(page);
      if (guarded.length > protectedSize) probation.push(guarded.shift()!);
    } else {
      if (window.length + probation.length + guarded.length === capacity) {
        const main = probation.length > 0 ? probation : guarded;
        if (main.length > 0 && estimate(window[0]!) > estimate(main[0]!)) main.shift();
        else window.shift();
      }
      window.push(page);
      if (window.length > windowSize) probation.push(window.shift()!);
      increment(page);
      return false;
    }
    increment(page);
    return true;
  };
}
