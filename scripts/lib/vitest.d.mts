export const vitest: string;
export function totals(file: string): { passed: number; failed: number; skipped: number } | null;
