// bank on shared objects: the accounts are structs that every thread changes, two at a time, under their locks.
import { coroutines, f64, List, lock, type Runtime, type Steps, spawn, struct, type Task, u32 } from "ungil";
import type { Job } from "../workload.js";
import { OPENING_BALANCE, Orders, statementsChecksum } from "./orders.js";
import type { BankParams } from "./workload.js";

/** How many transfers a teller makes before it lets others run. */
const PATIENCE = 200;

export class Account extends struct("bench.Account", { balance: f64, transfers: u32, audit: u32 }) {}

export const { openAccounts, openBank, serve } = coroutines(import.meta, {
  *openAccounts(count: number) {
    const accounts = new List<Account>();
    for (let number = 0; number < count; number++) {
      accounts.push(new Account({ balance: OPENING_BALANCE, transfers: 0, audit: 0 }));
    }
    return accounts;
  },

  *openBank(accounts: List<Account>, tellers: number, transfers: number): Steps<void> {
    const tasks: Task<void>[] = [];
    for (let teller = 0; teller < tellers; teller++) tasks.push(yield* spawn(serve, accounts, teller, transfers));
    for (const task of tasks) yield* task;
  },

  *serve(accounts: List<Account>, teller: number, transfers: number) {
    const books = accounts.toArray();
    const orders = new Orders(teller, books.length);
    for (let count = 0; count < transfers; count++) {
      orders.next();
      const from = books[orders.from]!;
      const to = books[orders.to]!;
      const guard = yield* lock(from, to);
      from.balance -= orders.amount;
      to.balance += orders.amount;
      from.transfers++;
      to.transfers++;
      from.audit = (from.audit + orders.receipt) >>> 0;
      to.audit = (to.audit + orders.receipt) >>> 0;
      guard.release();
      if (count % PATIENCE === PATIENCE - 1) yield;
    }
  },
});

export async function shared(rt: Runtime, params: BankParams): Promise<Job> {
  let accounts = await rt.run(openAccounts, params.accounts);
  return {
    async reset() {
      accounts[Symbol.dispose]();
      accounts = await rt.run(openAccounts, params.accounts);
    },
    run: () => rt.run(openBank, accounts, params.tellers, params.transfers),
    checksum: () =>
      rt.scope(() => {
        const statements = accounts.toArray().map(({ balance, transfers, audit }) => ({ balance, transfers, audit }));
        return statementsChecksum(statements);
      }),
    close: () => accounts[Symbol.dispose](),
  };
}
