// bank: transfers between shared accounts, each under the locks of its two accounts. There are `accounts` accounts with
// 1,000,000 cents each; `tellers` tellers make `transfers` transfers each, one teller is one task. Teller t draws from
// mulberry32 seeded with t + 1: the account that pays, the account that is paid (drawn again while the same), and the
// amount, 1 to 100 cents. Balances may fall below 0, so the order of transfers does not matter. The receipt of a transfer is the CRC-32 of the
// text `t:n:from:to:amount` (n counts a teller's transfers from 0); both accounts add it to their audit, modulo 2^32.
// Checksum: SHA-256 of the lines `number TAB balance TAB transfers TAB audit LF`, in the order of the accounts' numbers.
// The sum of all balances must be what it was, else the run fails.
import { workload } from "../workload.js";
import { plain } from "./plain.js";
import { shared } from "./shared.js";

export type BankParams = { accounts: number; tellers: number; transfers: number };

export const bank = workload<BankParams>({
  name: "bank",
  about: "transfers between shared accounts, under their locks",
  weight: 1,
  params: {
    full: { accounts: 500, tellers: 64, transfers: 38_000 },
    quick: { accounts: 100, tellers: 16, transfers: 1_000 },
  },
  plain,
  shared,
  pool: "copies of an account cannot be paid into",
});
