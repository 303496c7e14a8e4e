/**
 * The verifier's part for frames: whose each is. A frame in use is a page's, a version's, a copy that a view has made, a list's, one
 * of records of the kernel's, or in somebody's hand; what is nobody's is lost.
 */
import { Layout as L, SyncLayout as S } from "@ungil/kernel";
import { hex, type Reader } from "./verify-reader.js";

/** How many of the frames that are lost are named. */
const NAMED = 8;

type Own = (physical: number, owner: string) => void;

/**
 * No two owners share a frame, their frames are in use, none is lost, and the number of free ones is right. How many are lost:
 * a violation, unless threads were killed.
 */
export function checkFrames(reader: Reader): number {
  const { kernel } = reader;
  const map = kernel.control(L.CB_FRAME_MAP);
  const owners = new Map<number, string>();
  const own = (physical: number, owner: string) => {
    const frame = Math.floor((physical - reader.frameBase) / L.PAGE_SIZE);
    if (owners.has(frame)) reader.violation("frame", `frame ${frame} is that of ${owners.get(frame)} and ${owner}`);
    owners.set(frame, owner);
    if (frame < 0 || frame >= reader.frames || !reader.bit(map, frame))
      reader.violation("frame-map", `frame ${frame} of ${owner} is free in the frame map`);
  };
  const records = new Set<number>();
  ownPages(reader, own);
  ownVersions(reader, own, records);
  for (let slot = 1; slot <= kernel.systemSlot; slot++) ownThread(reader, slot, own, records);
  const ring = kernel.control(S.CB_INJECT_RING);
  if (ring) own(ring, "the injection queue");
  ownRecords(reader, own, records);
  return checkLost(reader, owners);
}

function checkLost(reader: Reader, owners: ReadonlyMap<number, string>): number {
  const { kernel } = reader;
  const map = kernel.control(L.CB_FRAME_MAP);
  const lost: number[] = [];
  let free = 0;
  for (let frame = 0; frame < reader.frames; frame++) {
    if (!reader.bit(map, frame)) free++;
    else if (!owners.has(frame)) lost.push(frame);
  }
  if (free !== kernel.control(L.CB_FRAMES_FREE))
    reader.violation("frame-count", `${free} frames are free, but ${kernel.control(L.CB_FRAMES_FREE)} are counted`);
  if (lost.length > 0 && reader.exact) {
    const some = lost.slice(0, NAMED).join(", ") + (lost.length > NAMED ? " ..." : "");
    reader.violation("frame-lost", `${lost.length} frames are in use and nobody's: ${some}`);
  }
  return lost.length;
}

function ownPages(reader: Reader, own: Own): void {
  for (let page = 0; page < reader.pages; page++) {
    const [flags, number] = reader.entry(page);
    if (!(flags & (L.PTE_PRESENT | L.PTE_LEAVING))) continue;
    if (page === 0) reader.violation("null-page", "page 0 is mapped");
    own(reader.frameBase + number * L.PAGE_SIZE, `page ${page}`);
  }
}

/** Versions of a page are disjoint, newest first, none of a cut to come, and each has a frame of its own. */
function ownVersions(reader: Reader, own: Own, records: Set<number>): void {
  const { kernel } = reader;
  const cut = kernel.control(L.CB_CUT);
  for (let page = 1; page < reader.pages; page++) {
    const history = kernel.control(L.CB_HISTORY) + page * L.HISTORY_SIZE;
    let [before, left] = [reader.word(history + L.HISTORY_WRITTEN) + 1, cut];
    if (before > cut + 1) reader.violation("history", `page ${page} was written after cut ${before - 1} of ${cut}`);
    for (let at = reader.word(history + L.HISTORY_VERSIONS); at !== 0; at = reader.word(at + L.VERSION_NEXT)) {
      const [from, to] = [reader.word(at + L.VERSION_FROM), reader.word(at + L.VERSION_TO)];
      if (reader.word(at + L.VERSION_PAGE) !== page || from < 1 || from > to || to >= before || left-- === 0) {
        reader.violation("history", `page ${page} has a version of cuts ${from} to ${to} where it has none`);
        break;
      }
      records.add(at);
      const content = reader.word(at + L.VERSION_FRAME);
      if (!(content & L.VERSION_IN_SWAP)) own(content, `a version of page ${page}`);
      before = from;
    }
  }
}

/** What a thread, a view or the system thread has: lists, records of its waits and its tasks, copies, and what it has in hand. */
function ownThread(reader: Reader, slot: number, own: Own, records: Set<number>): void {
  const block = reader.kernel.threadBlock(slot);
  const field = (offset: number) => reader.word(block + offset);
  for (const chunk of chunks(reader, slot, block)) own(chunk, `a list of thread ${slot}`);
  if (field(S.TB_DEQUE)) own(field(S.TB_DEQUE), `the queue of thread ${slot}`);
  for (let n = 0; n < field(S.TB_TASKS_FRAMES); n++)
    own(reader.word(field(S.TB_TASKS) + 4 * n), `the tasks of thread ${slot}`);
  // The first one is the queue's frame, too.
  for (const link of chain(reader, slot, field(S.TB_WAITER_FRAMES), 0))
    if (Math.floor(link / L.PAGE_SIZE) !== Math.floor(field(S.TB_DEQUE) / L.PAGE_SIZE))
      own(link, `waits of thread ${slot}`);
  for (const frame of chain(reader, slot, field(S.TB_LOCK_FRAMES), 0)) own(frame, `handles of thread ${slot}`);
  if (field(L.TB_TRACE_FIRST)) own(field(L.TB_TRACE_FIRST), `the trace of thread ${slot}`);
  for (const record of chain(reader, slot, field(L.TB_VIEW_RUNS), L.VERSION_NEXT)) {
    records.add(record);
    for (let n = 0; n < reader.word(record + L.VERSION_RUN_PAGES); n++)
      own(reader.word(record + L.VERSION_FRAME) + n * L.PAGE_SIZE, `a copy of view ${slot}`);
  }
  if (field(L.TB_RECORD)) records.add(field(L.TB_RECORD));
  if (field(L.TB_VERSION)) own(field(L.TB_VERSION), `a version in the hand of thread ${slot}`);
  const lent = Array.from({ length: L.LENT_MAX }, (_, n) => field(L.TB_LENT + 4 * n));
  for (const frame of lent) if (frame) own(frame, `JavaScript of thread ${slot}`);
  const arriving = field(L.TB_ARRIVING_FRAMES);
  for (let n = 0; arriving && n < field(L.TB_ARRIVING_PAGES); n++)
    own(arriving + n * L.PAGE_SIZE, `a page that thread ${slot} reads`);
}

/** Version records, those that are free and those in use, fill their frames, and as many are in use as are counted. */
function ownRecords(reader: Reader, own: Own, used: ReadonlySet<number>): void {
  const { kernel } = reader;
  const all = new Set(used);
  for (let at = kernel.control(L.CB_VERSION_FREE); at !== 0 && !all.has(at); at = reader.word(at)) all.add(at);
  const frames = new Set([...all].map((record) => record - (record % L.PAGE_SIZE)));
  for (const frame of frames) own(frame, "version records");
  if (!reader.exact) return;
  const counted = kernel.control(L.CB_VERSIONS);
  const room = (frames.size * L.PAGE_SIZE) / L.VERSION_SIZE;
  if (used.size !== counted || all.size !== room)
    reader.violation(
      "version-records",
      `${used.size} are in use and ${counted} counted; ${all.size - used.size} are free, of ${room}`,
    );
}

/** The chunks of a thread's lists, and its spare ones. */
function* chunks(reader: Reader, slot: number, block: number): Generator<number> {
  for (const fields of [L.TB_NEWBORN_TOP, L.TB_BORROW_TOP, L.TB_LIMBO_TOP, L.TB_DESTROY_TOP])
    yield* chain(reader, slot, reader.word(block + fields + 8), 4, true);
  yield* chain(reader, slot, reader.word(block + L.TB_CHUNKS), 0, true);
}

/** What is linked through a word of theirs: frames, if `whole`, or records in frames. */
function* chain(reader: Reader, slot: number, head: number, link: number, whole = false): Generator<number> {
  const end = reader.frameBase + reader.frames * L.PAGE_SIZE;
  const isOne = (at: number) => at >= reader.frameBase && at < end && at % (whole ? L.PAGE_SIZE : 4) === 0;
  const seen = new Set<number>();
  for (let at = head; at !== 0; at = reader.word(at + link)) {
    if (seen.has(at) || !isOne(at)) {
      reader.violation("chunk", `thread ${slot}: a list goes on at ${hex(at)}`);
      return;
    }
    seen.add(at);
    yield at;
  }
}
