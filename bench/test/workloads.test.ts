// Every plain variant against a slow, naive reference, and every checksum against its definition.
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { crc32, OPENING_BALANCE, Orders, statementsChecksum } from "../compare/bank/orders.js";
import { plain as bank } from "../compare/bank/plain.js";
import { book, cut } from "../compare/data/book.js";
import { flights, parseFlights } from "../compare/data/flights.js";
import { below, random } from "../compare/data/random.js";
import { plain as index } from "../compare/index/plain.js";
import { plain as queens } from "../compare/queens/plain.js";
import { cheapest, graph, plain as routes } from "../compare/routes/plain.js";
import { Frontier, kilometres } from "../compare/routes/ways.js";
import { depths, split } from "../compare/trees/game.js";
import { plain as trees } from "../compare/trees/plain.js";
import { plain as words } from "../compare/words/plain.js";
import type { Job } from "../compare/workload.js";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

async function checksumOf(job: Job): Promise<string> {
  await job.reset?.();
  await job.run();
  return job.checksum();
}

describe("the book", () => {
  it("is Moby Dick in lower case", () => {
    expect(book()).toContain("call me ishmael");
    expect(book()).toBe(book().toLowerCase());
    expect(book().length).toBeGreaterThan(1_000_000);
  });

  it("is cut into pieces that make the whole and never split a word", () => {
    const text = "a few words, and a longerwordthananypiece of text";
    for (let count = 1; count < 30; count++) {
      const pieces = cut(text, count).map(({ start, end }) => text.slice(start, end));
      expect(pieces).toHaveLength(count);
      expect(pieces.join("")).toBe(text);
      expect(pieces.flatMap((piece) => piece.match(/[a-z]+/g) ?? [])).toEqual(text.match(/[a-z]+/g));
    }
  });
});

describe("words", () => {
  it("counts as a naive count does", async () => {
    const whole = book().slice(0, cut(book(), 1, 30_000)[0]!.end);
    const counts: Record<string, number> = Object.create(null);
    for (const word of whole.split(/[^a-z]/)) if (word !== "") counts[word] = (counts[word] ?? 0) + 3;
    const lines = Object.keys(counts)
      .sort()
      .map((word) => `${word}\t${counts[word]}\n`);
    expect(await checksumOf(words({ characters: 30_000, chunks: 7, passes: 3 }))).toBe(sha256(lines.join("")));
  });
});

describe("index", () => {
  it("finds every word where a walk over the corpus meets it", async () => {
    const length = 20_000;
    const whole = book().slice(0, cut(book(), 1, length)[0]!.end);
    const positions: Record<string, number[]> = Object.create(null);
    for (let pass = 0; pass < 2; pass++) {
      let word = "";
      for (let at = 0; at <= whole.length; at++) {
        const letter = whole[at] ?? " ";
        if (letter >= "a" && letter <= "z") word += letter;
        else if (word !== "") {
          (positions[word] ??= []).push(pass * length + at - word.length);
          word = "";
        }
      }
    }
    const lines = Object.keys(positions)
      .sort()
      .map((word) => `${word}\t${positions[word]!.sort((a, b) => a - b).join(",")}\n`);
    expect(await checksumOf(index({ characters: length, chunks: 5, passes: 2 }))).toBe(sha256(lines.join("")));
  });
});

describe("routes", () => {
  it("reads the flights of vega-datasets", () => {
    const { places, routes } = flights();
    expect([places.length, routes.length]).toEqual([305, 5366]);
    const jfk = places.find(({ iata }) => iata === "JFK")!;
    const lax = places.find(({ iata }) => iata === "LAX")!;
    const distance = kilometres(jfk.latitude, jfk.longitude, lax.latitude, lax.longitude);
    expect(Math.abs(distance - 3974)).toBeLessThan(10);
  });

  it("reads quoted fields", () => {
    const parsed = parseFlights(
      "origin,destination,count\nB,A,1\n",
      'iata,name,latitude,longitude\nA,"x, y",1,2\nB,z,-3.5,4\n',
    );
    expect(parsed.places).toEqual([
      { iata: "A", latitude: 1, longitude: 2 },
      { iata: "B", latitude: -3.5, longitude: 4 },
    ]);
    expect(parsed.routes).toEqual([[1, 0]]);
  });

  it("takes entries from the frontier in order", () => {
    const next = random(7);
    const frontier = new Frontier();
    const costs = Array.from({ length: 500 }, () => below(next, 300));
    for (const [index, cost] of costs.entries()) frontier.push(cost, index);
    const order = costs
      .map((cost, index) => cost * 512 + index)
      .sort((a, b) => a - b)
      .map((entry) => entry % 512);
    expect(costs.map(() => frontier.pop())).toEqual(order);
    expect(frontier.empty).toBe(true);
  });

  it("finds what Floyd and Warshall find", async () => {
    const { places, routes: legs } = flights();
    const count = places.length;
    const lines: string[] = [];
    for (const charge of [0, 100]) {
      const cost = Array.from({ length: count }, (_, a) =>
        Array.from({ length: count }, (_, b) => (a === b ? 0 : Number.POSITIVE_INFINITY)),
      );
      for (const [a, b] of legs) {
        const leg = kilometres(places[a]!.latitude, places[a]!.longitude, places[b]!.latitude, places[b]!.longitude);
        cost[a]![b] = Math.min(cost[a]![b]!, leg + charge);
      }
      for (let via = 0; via < count; via++) {
        for (let a = 0; a < count; a++) {
          const first = cost[a]![via]!;
          for (let b = 0; b < count; b++)
            if (first + cost[via]![b]! < cost[a]![b]!) cost[a]![b] = first + cost[via]![b]!;
        }
      }
      for (let source = 0; source < count; source++) {
        const found = cost[source]!.flatMap((value, at) =>
          value === Number.POSITIVE_INFINITY ? [] : [[at + 1, value] as const],
        );
        const total = found.reduce((sum, [, value]) => sum + value, 0);
        const mix = found.reduce((sum, [place, value]) => (sum + place * value) % 2 ** 32, 0);
        lines.push(`${charge}\t${places[source]!.iata}\t${found.length}\t${total}\t${mix}\n`);
      }
    }
    expect(await checksumOf(routes({ sources: 0, charges: 2 }))).toBe(sha256(lines.join("")));
  });

  it("says what cannot be reached", () => {
    const airports = graph({
      places: [0, 1, 2].map((at) => ({ iata: `A${at}`, latitude: 0, longitude: at })),
      routes: [[0, 1]],
    });
    expect(cheapest(airports[0]!, 3, 10)).toEqual([2, 121, 242]);
    expect(cheapest(airports[2]!, 3, 10)).toEqual([1, 0, 0]);
  });
});

describe("bank", () => {
  it("has the CRC-32 and the generator that everybody has", () => {
    expect(crc32("123456789")).toBe(0xcbf43926);
    expect(random(0)() / 2 ** 32).toBe(0.26642920868471265);
  });

  it("books as a naive ledger does", async () => {
    const ledger = new Map<number, [balance: number, transfers: number, audit: bigint]>();
    for (let number = 0; number < 9; number++) ledger.set(number, [OPENING_BALANCE, 0, 0n]);
    for (let teller = 0; teller < 3; teller++) {
      const next = random(teller + 1);
      for (let count = 0; count < 50; count++) {
        const from = below(next, 9);
        let to = from;
        while (to === from) to = below(next, 9);
        const amount = 1 + below(next, 100);
        const receipt = BigInt(crc32([teller, count, from, to, amount].join(":")));
        for (const [number, sign] of [
          [from, -1],
          [to, 1],
        ] as const) {
          const [balance, transfers, audit] = ledger.get(number)!;
          ledger.set(number, [balance + sign * amount, transfers + 1, (audit + receipt) % 2n ** 32n]);
        }
      }
    }
    const lines = [...ledger].map(([number, values]) => `${number}\t${values.join("\t")}\n`);
    expect(await checksumOf(bank({ accounts: 9, tellers: 3, transfers: 50 }))).toBe(sha256(lines.join("")));
  });

  it("never pays an account from itself", () => {
    const orders = new Orders(5, 2);
    for (let count = 0; count < 200; count++) {
      orders.next();
      expect(orders.from).not.toBe(orders.to);
      expect(orders.amount).toBeGreaterThanOrEqual(1);
      expect(orders.amount).toBeLessThanOrEqual(100);
    }
  });

  it("notices a cent that is missing", () => {
    const statement = { balance: OPENING_BALANCE, transfers: 0, audit: 0 };
    expect(() => statementsChecksum([statement, { ...statement, balance: OPENING_BALANCE - 1 }])).toThrow(
      /1999999 cents/,
    );
  });
});

describe("trees", () => {
  it("prints what the benchmarks game prints for 10", async () => {
    expect(await checksumOf(trees({ least: 4, most: 10, parts: 3, games: 1 }))).toBe(
      [
        "stretch tree of depth 11\t check: 4095",
        "1024\t trees of depth 4\t check: 31744",
        "256\t trees of depth 6\t check: 32512",
        "64\t trees of depth 8\t check: 32704",
        "16\t trees of depth 10\t check: 32752",
        "long lived tree of depth 10\t check: 2047",
      ].join("\n"),
    );
  });

  it("splits a depth evenly", () => {
    for (const parts of [1, 3, 8, 100]) {
      for (const part of depths({ least: 4, most: 12 })) {
        const shares = split(part, parts).map(({ iterations }) => iterations);
        expect(shares.reduce((sum, share) => sum + share, 0)).toBe(part.iterations);
        expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1);
        expect(Math.min(...shares)).toBeGreaterThan(0);
      }
    }
  });
});

describe("queens", () => {
  it.each([
    [4, 2],
    [5, 10],
    [6, 4],
    [7, 40],
    [8, 92],
    [9, 352],
  ])("%i queens have %i ways", async (n, ways) => {
    expect(await checksumOf(queens({ n, passes: 1 }))).toBe(String(ways));
  });
});
