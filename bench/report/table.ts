// A table for people. The first columns are texts, those from `numbersFrom` on are aligned to the right.
import Table from "cli-table3";

export function table(head: string[], rows: string[][], numbersFrom: number): string {
  const colAligns = head.map((_, column) => (column < numbersFrom ? "left" : "right") as "left" | "right");
  // Colours belong to terminals: a table in a file or a pipe is plain text.
  const colours = process.stdout.isTTY ? { head: ["bold"], border: ["grey"] } : { head: [], border: [] };
  const view = new Table({ head, colAligns, style: { ...colours, compact: true } });
  view.push(...rows);
  return view.toString();
}
