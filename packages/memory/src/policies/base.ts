/**
 * What all policies share: the table of pages, who is resident and who only remembered, and the order of events in a
 * fault. A policy says the rest in a few hooks.
 *
 * A page that a policy remembers after it was evicted is a *ghost*. When it comes back it is *recalled* first (taken
 * off its ghost list, and the policy learns from it), then room is made, then it is admitted. In that order, so that
 * making room can depend on what comes, and can never drop it.
 *
 * Invariant: where[slot] is 1 to 4 for a resident page, 5 to 7 for a ghost, RECALLED (0) for `recalled` alone;
 * resident slots = size.
 */

import { PolicyError } from "../errors.js";
import { NIL, PageTable } from "./page-table.js";
import { CAPACITY_MAX, NONE, type Pinned, type ReplacementPolicy } from "./policy.js";
import { SlotLists } from "./slot-lists.js";

/** Lists with this number and above hold ghosts. */
export const GHOST = 5;
/** So many lists a policy can have, unless it says otherwise. */
const LISTS = 7;

export abstract class PagePolicy implements ReplacementPolicy {
  capacity: number;
  size = 0;
  protected readonly table: PageTable;
  protected readonly lists: SlotLists;
  /** The ghost that room is being made for, and the ghost list that it was on. */
  protected recalled = NIL;
  protected recalledFrom = 0;
  protected pinned: Pinned | undefined;

  /** `slots`: pages and ghosts together, at most. */
  protected constructor(capacity: number, slots: number) {
    checkCapacity(capacity);
    this.capacity = capacity;
    this.table = new PageTable(LISTS + 1, slots);
    this.lists = new SlotLists(LISTS, slots);
  }

  /** A resident page is referenced. */
  protected abstract hit(slot: number, write: boolean): void;
  /** A page becomes resident; `from` is the ghost list that it was recalled from, or 0. `size` counts it already. */
  protected abstract admit(slot: number, write: boolean, from: number): void;
  /** Chooses a page that is not pinned and takes it off, by `forget` or `keepGhost`; its number, or NONE. */
  protected abstract release(): number;
  /** A ghost comes back: learn from it. It is still on its list. */
  protected learn(_slot: number): void {}
  /** Takes a resident page or a ghost off whatever it is on. */
  protected unlink(slot: number): void {
    this.lists.remove(slot);
  }
  /** The capacity has changed: derived limits, ghosts over them, more slots. */
  protected abstract adapt(): void;
  protected abstract clear(): void;
  /** What is wrong beyond the shared invariants. */
  protected check(): string[] {
    return [];
  }
  abstract params(): Record<string, number | boolean>;

  access(page: number, write = false): boolean {
    const slot = this.table.find(page);
    if (slot !== NIL) {
      if (this.lists.where[slot]! < GHOST && slot !== this.recalled) {
        this.hit(slot, write);
        return true;
      }
      this.recall(slot);
    }
    while (this.size >= this.capacity) this.release();
    this.settle(slot, page, write);
    return false;
  }

  has(page: number): boolean {
    const slot = this.table.find(page);
    return slot !== NIL && this.isResident(slot);
  }

  touch(page: number, write = false): boolean {
    const slot = this.table.find(page);
    if (slot === NIL || !this.isResident(slot)) return false;
    this.hit(slot, write);
    return true;
  }

  insert(page: number, write = false): void {
    const slot = this.table.find(page);
    if (slot !== NIL) {
      if (this.isResident(slot)) throw new PolicyError(`page ${page} is resident already`);
      this.recall(slot);
    }
    if (this.size >= this.capacity) throw new PolicyError(`no room for page ${page}: evict first`);
    this.settle(slot, page, write);
  }

  evict(incoming = NONE, pinned?: Pinned): number {
    if (this.size === 0) return NONE;
    const slot = incoming === NONE ? NIL : this.table.find(incoming);
    if (slot !== NIL && !this.isResident(slot)) this.recall(slot);
    this.pinned = pinned;
    const page = this.release();
    this.pinned = undefined;
    return page;
  }

  trim(): number {
    return NONE;
  }

  remove(page: number): boolean {
    const slot = this.table.find(page);
    if (slot === NIL) return false;
    const resident = this.isResident(slot);
    if (slot === this.recalled) this.recalled = NIL;
    else this.unlink(slot);
    this.lists.where[slot] = 0;
    this.table.remove(slot);
    if (resident) this.size--;
    return resident;
  }

  tick(): void {}

  resize(capacity: number): void {
    checkCapacity(capacity);
    this.capacity = capacity;
    this.adapt();
  }

  reset(): void {
    this.table.clear();
    this.lists.clear();
    this.size = 0;
    this.recalled = NIL;
    this.clear();
  }

  *pages(): IterableIterator<number> {
    for (let slot = this.table.first; slot < this.table.end; slot++) {
      if (this.isUsed(slot) && this.isResident(slot)) yield this.table.pages[slot]!;
    }
  }

  verify(): string[] {
    const wrong = [...this.table.verify(), ...this.lists.verify(), ...this.check()];
    const { where } = this.lists;
    let resident = 0;
    let all = 0;
    for (let slot = this.table.first; slot < this.table.end; slot++) {
      if (where[slot] !== 0) all++;
      if (where[slot] !== 0 && where[slot]! < GHOST) resident++;
    }
    if (this.recalled !== NIL) all++;
    if (resident !== this.size) wrong.push(`${resident} slots are resident, size ${this.size}`);
    if (all !== this.table.count) wrong.push(`${all} slots have a place, ${this.table.count} have a page`);
    return wrong;
  }

  protected isPinned(slot: number): boolean {
    return this.pinned?.(this.table.pages[slot]!) ?? false;
  }

  /** The oldest slot of a list that is not pinned, or NIL. */
  protected oldest(list: number): number {
    const { prev } = this.lists;
    let slot = prev[list]!;
    if (this.pinned !== undefined) while (slot !== list && this.isPinned(slot)) slot = prev[slot]!;
    return slot === list ? NIL : slot;
  }

  /** A resident page that has been taken off everything is forgotten; or a ghost, or NIL, which is nothing. */
  protected forget(slot: number): number {
    const page = this.table.pages[slot]!;
    this.lists.where[slot] = 0;
    this.table.remove(slot);
    this.size--;
    return page;
  }

  /** A resident page that is in no list any more becomes a ghost, at the front of a list. */
  protected keepGhost(slot: number, list: number): number {
    this.lists.pushFront(list, slot);
    this.size--;
    return this.table.pages[slot]!;
  }

  /** The oldest ghost of a list is forgotten, if there is one. */
  protected dropGhost(list: number): void {
    const slot = this.lists.back(list);
    if (slot === NIL) return;
    this.unlink(slot);
    this.table.remove(slot);
  }

  protected reserve(slots: number): void {
    // Pages beyond a capacity that has shrunk stay until they are evicted, each perhaps as a ghost more.
    this.table.reserve(slots);
    this.lists.reserve(this.table.slots);
  }

  private isUsed(slot: number): boolean {
    return this.lists.where[slot] !== 0 || slot === this.recalled;
  }

  private isResident(slot: number): boolean {
    return this.lists.where[slot]! < GHOST && slot !== this.recalled;
  }

  private recall(slot: number): void {
    if (slot === this.recalled) return;
    this.abandon();
    this.learn(slot);
    const from = this.lists.where[slot]!;
    this.unlink(slot);
    this.lists.where[slot] = 0;
    this.recalled = slot;
    this.recalledFrom = from;
  }

  /** Room was made for a ghost that has not come. */
  private abandon(): void {
    if (this.recalled !== NIL) this.table.remove(this.recalled);
    this.recalled = NIL;
  }

  private settle(slot: number, page: number, write: boolean): void {
    if (slot !== NIL) {
      const from = this.recalledFrom;
      this.recalled = NIL;
      this.size++;
      this.admit(slot, write, from);
      return;
    }
    if (this.recalled !== NIL) this.abandon();
    const added = this.table.add(page);
    this.size++;
    this.admit(added, write, 0);
  }
}

function checkCapacity(capacity: number): void {
  if (!Number.isInteger(capacity) || capacity < 1 || capacity > CAPACITY_MAX) {
    throw new PolicyError(`${capacity} is no number of frames: 1 to ${CAPACITY_MAX} is`);
  }
}

/** A share of a whole, rounded down, but within limits. */
export function share(whole: number, part: number, least: number, most: number): number {
  return Math.max(least, Math.min(most, Math.floor(whole * part)));
}
