// Takes samples of several variants in turn (A B C A B C ...), so that whatever slows the machine down for a while
// slows all of them, and their ratios stay true.

export interface Sampled<T> {
  /** Takes one sample; outside the timing it may do what it likes. */
  sample(): Promise<T> | T;
  /** No more samples than this: for variants that take very long. */
  most?: number;
}

export interface Rounds {
  /** Wanted; and there is always one. */
  least: number;
  most: number;
  /** After `least` rounds, no round begins that would end later than this many ms after the start ... */
  budget: number;
  /** ... and before it none that would end later than this: on a slow machine there are fewer rounds than wanted. */
  limit: number;
}

/** For each variant its samples, one a round. Every other round runs backwards, so that no variant always follows the same one. */
export async function interleave<T>(
  variants: readonly Sampled<T>[],
  rounds: Rounds,
  onSample: (round: number, turn: number, variant: number) => void = () => {},
): Promise<T[][]> {
  const taken: T[][] = variants.map(() => []);
  const began = performance.now();
  for (let round = 0; round < rounds.most; round++) {
    const spent = performance.now() - began;
    if (round > 0 && spent + spent / round > (round >= rounds.least ? rounds.budget : rounds.limit)) break;
    for (let turn = 0; turn < variants.length; turn++) {
      const index = round % 2 === 0 ? turn : variants.length - 1 - turn;
      if (taken[index]!.length >= (variants[index]!.most ?? rounds.most)) continue;
      onSample(round, turn, index);
      taken[index]!.push(await variants[index]!.sample());
    }
  }
  return taken;
}
