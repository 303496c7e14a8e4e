export interface Section {
  id: number;
  name: string;
  size: number;
  entries: number | undefined;
}
export function sections(bytes: Uint8Array): Section[];
export function dataSegments(bytes: Uint8Array): number;
