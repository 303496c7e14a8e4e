// A board as three bit sets: the columns taken, and those that the diagonals from the left and right attack in the next
// row (Martin Richards' backtracking with bit patterns).

export interface Board {
  taken: number;
  left: number;
  right: number;
}

export const EMPTY: Board = { taken: 0, left: 0, right: 0 };

/** Every board with one queen more. */
export function placements(n: number, { taken, left, right }: Board): Board[] {
  const boards: Board[] = [];
  let free = ((1 << n) - 1) & ~(taken | left | right);
  while (free !== 0) {
    const queen = free & -free;
    free ^= queen;
    boards.push({ taken: taken | queen, left: (left | queen) << 1, right: (right | queen) >>> 1 });
  }
  return boards;
}

/** The tasks of a run: every board with queens in the first two rows. */
export function firstTwoRows(n: number): Board[] {
  return placements(n, EMPTY).flatMap((board) => placements(n, board));
}

/** The number of ways to fill the rows that are left. */
export function ways(all: number, taken: number, left: number, right: number): number {
  if (taken === all) return 1;
  let count = 0;
  let free = all & ~(taken | left | right);
  while (free !== 0) {
    const queen = free & -free;
    free ^= queen;
    count += ways(all, taken | queen, (left | queen) << 1, (right | queen) >>> 1);
  }
  return count;
}

/** What all passes found: one number if they agree. */
export function found(solutions: readonly number[]): string {
  return [...new Set(solutions)].join();
}
