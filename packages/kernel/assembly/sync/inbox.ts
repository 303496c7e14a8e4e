/** What JavaScript takes from this thread's inbox: which coroutine goes on, and what it waited for. */
import * as L from "../layout";
import * as S from "../layout/sync";
import { tb } from "../machine/registers";
import { inboxCollect, waiterFree } from "./waiter";
import { writeAddress } from "../paging/translate";
import { lockAccept, lockRefuse, lotWake } from "./lock";

const MESSAGES_MAX: u32 = 64; // of 16 bytes: as many as scratch holds

/** Writes up to 64 messages (coroutine, kind, object, payload) to scratch and frees their records. Number of messages. */
export function inboxTake(): u32 {
  let waiter = inboxCollect();
  let messages: u32 = 0;
  while (waiter && messages < MESSAGES_MAX) {
    const next = <usize>load<u32>(waiter + S.WAITER_NEXT);
    const kind = atomic.load<u32>(waiter + S.WAITER_KIND);
    const object = load<u32>(waiter + S.WAITER_OBJECT);
    const payload = atomic.load<u32>(waiter + S.WAITER_PAYLOAD);
    if (!(kind & S.WAITER_LOST)) {
      const message = tb + L.TB_SCRATCH + (<usize>messages << 4);
      messages++;
      store<u32>(message, load<u32>(waiter + S.WAITER_FIBER));
      store<u32>(message + 4, kind);
      store<u32>(message + 8, object);
      // Of a lock: the entry if it is held now, 0 to try again.
      const handed = kind == S.WAITER_LOCK && (payload & S.LOCK_HANDED) != 0;
      store<u32>(message + 12, handed ? lockAccept(object, load<u32>(waiter + S.WAITER_HOLDER)) : 0);
    }
    store<u32>(tb + S.TB_DELIVERED, <u32>next);
    waiterFree(waiter);
    if (kind == (S.WAITER_LOCK | S.WAITER_LOST)) wakePassOn(object, payload);
    waiter = next;
    if (!waiter) waiter = inboxCollect();
  }
  return messages;
}

/** A wake-up for a lock came to somebody who has given up: it belongs to the next. */
export function wakePassOn(object: u32, payload: u32): void {
  if (payload & S.LOCK_HANDED) {
    lockRefuse(object);
    return;
  }
  const p = writeAddress(object);
  if (p && load<u32>(p) & L.HEADER_WAITERS && !(load<u32>(p) & L.HEADER_LOCKED)) lotWake(object, p);
}
