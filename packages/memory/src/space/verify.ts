/** What must hold between the regions of a space and its page table. */
import { FilePages, SharedMemory } from "../pager/index.js";
import { OBJECT, PINNED, PRESENT, pteNumber, READ, SWAPPED, WRITE } from "../paging/index.js";
import type { Area } from "./areas.js";
import type { SpaceState } from "./space-state.js";

export function verifySpace(space: SpaceState): string[] {
  const { name, areas, table, account } = space;
  const wrong = areas.verify();
  for (const [page, pte] of table.entries()) {
    const area = areas.find(page);
    const say = (text: string) => wrong.push(`page ${page}: ${text}`);
    if (area === undefined) say("it has an entry, and no region");
    else verifyEntry(space, area, page, pte, say);
  }
  for (const area of areas) {
    const entries = [...table.entries(area.first, area.end)].filter(([, pte]) => pte & PINNED).length;
    // Of a file that was cut short, pages go whether pinned or not.
    if ((area.locked || area.huge) && !(area.object instanceof FilePages) && entries !== area.end - area.first)
      wrong.push(`region ${area.name}: ${entries} of ${area.end - area.first} pages are pinned`);
  }
  if (account.shared < 0) wrong.push(`it has made ${account.shared} pages of shared memory`);
  return wrong.map((line) => `space ${name}: ${line}`);
}

function verifyEntry({ pager }: SpaceState, area: Area, page: number, pte: number, say: (text: string) => void): void {
  const { object, protection, shared } = area;
  if (area.kind === "guard") say("a guard page has an entry");
  if (pte & SWAPPED) {
    if (shared) say("swapped by itself, and its region is shared");
    return;
  }
  if (protection !== "rw" && pte & WRITE) say(`writable, and its region is ${protection}`);
  if ((protection === "none") === ((pte & READ) !== 0)) say(`its region is ${protection}, its entry is not`);
  if (pte & PINNED && !area.locked && !area.huge) say("pinned, and its region is not");
  if (!(pte & PRESENT)) return;
  const owner = pager.frames.objects[pteNumber(pte)];
  const index = area.offset + page - area.first;
  if (pte & OBJECT) {
    if (owner !== object || pager.frames.indexes[pteNumber(pte)] !== index) say("its frame is not the region's");
    if (pte & WRITE && !shared) say("a private mapping may write to the object's page");
    if (object instanceof FilePages && index * pager.frames.pageSize >= object.size) say("beyond the end of its file");
  } else if (shared && (object instanceof SharedMemory || object instanceof FilePages))
    say("not the object's page, in a shared region");
}
