// bank in plain JavaScript: one thread, so no locks.
import type { Job } from "../workload.js";
import { OPENING_BALANCE, Orders, type Statement, statementsChecksum } from "./orders.js";
import type { BankParams } from "./workload.js";

export function plain({ accounts, tellers, transfers }: BankParams): Job {
  let books: Statement[] = [];
  return {
    reset() {
      books = Array.from({ length: accounts }, () => ({ balance: OPENING_BALANCE, transfers: 0, audit: 0 }));
    },
    run() {
      for (let teller = 0; teller < tellers; teller++) {
        const orders = new Orders(teller, accounts);
        for (let count = 0; count < transfers; count++) {
          orders.next();
          const from = books[orders.from]!;
          const to = books[orders.to]!;
          from.balance -= orders.amount;
          to.balance += orders.amount;
          from.transfers++;
          to.transfers++;
          from.audit = (from.audit + orders.receipt) >>> 0;
          to.audit = (to.audit + orders.receipt) >>> 0;
        }
      }
    },
    checksum: () => statementsChecksum(books),
  };
}
