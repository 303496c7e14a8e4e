// What all variants of bank have in common: a teller's orders, their receipts, the checksum.
import { sha256 } from "../data/digest.js";
import { below, type Random, random } from "../data/random.js";

export const OPENING_BALANCE = 1_000_000;

export interface Statement {
  balance: number;
  transfers: number;
  audit: number;
}

/** Draws a teller's orders, one after another; `from`, `to`, `amount` and `receipt` are those of the last one. */
export class Orders {
  from = 0;
  to = 0;
  amount = 0;
  receipt = 0;
  #count = 0;
  readonly #random: Random;

  constructor(
    readonly teller: number,
    readonly accounts: number,
  ) {
    this.#random = random(teller + 1);
  }

  next(): void {
    this.from = below(this.#random, this.accounts);
    do this.to = below(this.#random, this.accounts);
    while (this.to === this.from);
    this.amount = 1 + below(this.#random, 100);
    this.receipt = crc32(`${this.teller}:${this.#count++}:${this.from}:${this.to}:${this.amount}`);
  }
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ 0xedb88320 : rest >>> 1;
  return rest;
});

/** The CRC-32 of zip and PNG, of an ASCII text. */
export function crc32(text: string): number {
  let rest = 0xffffffff;
  for (let at = 0; at < text.length; at++) rest = CRC_TABLE[(rest ^ text.charCodeAt(at)) & 0xff]! ^ (rest >>> 8);
  return (rest ^ 0xffffffff) >>> 0;
}

export function statementsChecksum(statements: readonly Statement[]): string {
  const total = statements.reduce((sum, { balance }) => sum + balance, 0);
  const expected = statements.length * OPENING_BALANCE;
  if (total !== expected) throw new Error(`the bank holds ${total} cents, but it began with ${expected}`);
  return sha256(
    statements.map(({ balance, transfers, audit }, number) => [number, balance, transfers, audit].join("\t")),
  );
}
