// What cannot be saved or opened is refused with a reason, and what was there stays.
import { execFile, spawn } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { hostname, tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { Dict, List } from "@ungil/heap";
import { Layout as L } from "@ungil/kernel";
import { Runtime, type RuntimeOptions, type Snapshot } from "@ungil/runtime";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Cell, grow, sum, Thing, wait } from "./fixtures/images.mjs";
import { failure, fixture, inBothModes, type LooseRuntime, node, opened, start } from "./helpers.js";

let folder: string;
let good: string;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "ungil-refused-"));
  good = path.join(folder, "good.image");
  const rt = await Runtime.start({ threads: 1, memory: "64MiB" });
  const cells = rt.new(
    List,
    Array.from({ length: 60_000 }, (_, n) => rt.new(Cell, { value: n })),
  );
  const snapshot = await rt.snapshot();
  await snapshot.save(good, { roots: { cells } });
  await rt.close();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const file = (name: string) => path.join(folder, name);
const open = (from: string, options: RuntimeOptions = {}) => Runtime.open(from, { threads: 1, ...options });
const refused = (from: string, options?: RuntimeOptions) => failure(open(from, options));

async function snapshotOf(rt: LooseRuntime): Promise<Snapshot> {
  return (await rt.snapshot()) as Snapshot;
}

it("refuses what is no image", async () => {
  writeFileSync(file("text"), "not an image at all, whatever its name says\n".repeat(1000));
  expect(await refused(file("text"))).toMatchObject({ code: "NOT_AN_IMAGE", file: file("text") });
  expect(await refused(file("nowhere"))).toMatchObject({
    code: "NOT_AN_IMAGE",
    message: expect.stringContaining("no such file"),
  });
  expect(await refused(folder)).toMatchObject({ code: "NOT_AN_IMAGE" });
  writeFileSync(file("empty"), "");
  expect((await refused(file("empty"))).code).toBe("NOT_AN_IMAGE");
  expect((await refused(null as never)).code).toBe("OPTION");
  expect((await refused(good, { thread: 1 } as never)).code).toBe("UNKNOWN_OPTION");
});

it("refuses another format, another page size, and another layout", async () => {
  const { createHash } = await import("node:crypto");
  const changed = (name: string, offset: number, value: number) => {
    const bytes = readFileSync(good);
    const slot = 4096; // of the first generation
    bytes.writeUInt32LE(value, slot + offset);
    createHash("sha256")
      .update(bytes.subarray(slot, slot + 96))
      .digest()
      .copy(bytes, slot + 96);
    writeFileSync(file(name), bytes);
    return file(name);
  };
  expect(await refused(changed("version", 8, 99))).toMatchObject({
    code: "IMAGE_VERSION",
    message: expect.stringMatching(/its format is version 99, and version 1 is expected/),
  });
  expect(await refused(changed("pages", 12, 2 * L.PAGE_SIZE))).toMatchObject({
    code: "IMAGE_VERSION",
    message: expect.stringContaining(`${2 * L.PAGE_SIZE} bytes, and ${L.PAGE_SIZE}`),
  });
  expect((await refused(changed("garbage", 40, 12))).code).toBe("IMAGE_CORRUPTED");
});

it("refuses one that was cut off, wherever", async () => {
  const { size } = statSync(good);
  for (const length of [1, 100, 4096, 5000, 8191, 8192, 8193, size >> 1, size - 1000, size - 1]) {
    copyFileSync(good, file("short"));
    truncateSync(file("short"), length);
    expect((await refused(file("short"))).code).toMatch(/IMAGE_CORRUPTED|NOT_AN_IMAGE/);
  }
  copyFileSync(good, file("long"));
  writeFileSync(file("long"), "what a save that was cut off has left", { flag: "a" });
  await (await open(file("long"))).close();
});

it("names the page that is damaged", async () => {
  const bytes = readFileSync(good);
  const page = 8192 + 3 * L.PAGE_SIZE;
  bytes[page + 5]! ^= 4;
  writeFileSync(file("flipped"), bytes);
  expect(await refused(file("flipped"))).toMatchObject({
    code: "IMAGE_CORRUPTED",
    message: expect.stringMatching(new RegExp(`page \\d+ \\(byte ${page}\\) is not what was written`)),
  });
});

it("says how much memory it needs, and is content with that", async () => {
  const error = await refused(good, { memory: "1MiB", threads: 1 });
  expect(error).toMatchObject({ code: "MEMORY_SIZE", message: expect.stringMatching(/needs \d+/) });
  const memory = Number(/needs (\d+)/.exec(error.message)?.[1]);
  expect((await refused(good, { memory: memory - 1, threads: 1 })).code).toBe("MEMORY_SIZE");
  const rt = await opened(open(good, { memory, threads: 1 }));
  const some = rt.new(
    List,
    [10_000, 20_000, 59_999].map((n) => rt.root<any>("cells").get(n)),
  );
  expect(await rt.run(sum, some)).toBe(89_999);
  expect(await rt.run(grow, rt.root("cells"), 100)).toBe(60_100);
  expect(rt.verify().violations).toEqual([]);
});

it("names the roots that there are", async () => {
  const rt = await opened(open(good));
  expect(() => rt.root("sells")).toThrow(
    expect.objectContaining({ code: "ROOT_NOT_FOUND", message: expect.stringContaining("There are: cells") }),
  );
  expect(() => rt.root("toString")).toThrow(expect.objectContaining({ code: "ROOT_NOT_FOUND" }));
  const other = await start();
  expect(other.roots).toEqual({});
  expect(() => other.root("cells")).toThrow(expect.objectContaining({ code: "ROOT_NOT_FOUND" }));
});

it("shows both layouts of a struct that is another one here", async () => {
  const [main, worker, nowhere] = await Promise.all(
    ["main", "worker", "nowhere"].map((where) => node([fixture("image-conflict.mjs"), good, where])),
  );
  const both = /STRUCT_CONFLICT .*\{ value: str, more: f64 \}.*image-conflict\.mjs.*\{ value: f64 \}.*images\.mjs/;
  expect(main?.out).toMatch(both);
  expect(main?.out).not.toContain("opened");
  expect(worker?.out).toMatch(/^opened\n/);
  expect(worker?.out).toMatch(both);
  expect(nowhere?.out).toMatch(/UNKNOWN_STRUCT .*images\.Cell.*images\.mjs/);
});

it("leaves the old image when the disk does not take the new one", async () => {
  copyFileSync(good, file("full"));
  const before = readFileSync(file("full"));
  // What writes beyond the limit fails, as on a full disk. It is counted in blocks of 512 bytes.
  const shell = `trap "" XFSZ; ulimit -f ${Math.ceil(before.length / 512)}; exec "$0" "$@"`;
  const child = ["-c", shell, process.execPath, fixture("image-full.mjs"), file("full")];
  const { stdout } = await promisify(execFile)("sh", child, { timeout: 20_000 });
  expect(JSON.parse(stdout)).toEqual({ code: "IMAGE_FILE", cause: "EFBIG", violations: [] });
  expect(readFileSync(file("full")).equals(before)).toBe(true);
  expect(readdirSync(folder).filter((name) => name.startsWith("full."))).toEqual([]);
});

inBothModes("a save", (gil) => {
  it("takes shared objects of its own runtime, by name", async () => {
    const rt = await start({ gil });
    const other = await start({ gil, threads: 1 });
    const cell = rt.new(Cell, { value: 1 });
    const snapshot = await snapshotOf(rt);
    const later = rt.new(Thing);
    const { framesFree } = rt.stats();
    const save = (options: unknown, to: unknown = file(`options-${gil}`)) =>
      failure(snapshot.save(to as string, options as never));
    for (const options of [undefined, null, {}, { roots: null }, { roots: {} }, { roots: cell }, { roots: { n: 1 } }])
      expect((await save(options)).code).toBe("OPTION");
    expect((await save({ roots: { cell }, sinal: 1 })).code).toBe("UNKNOWN_OPTION");
    expect((await save({ roots: { cell }, signal: 1 })).code).toBe("OPTION");
    expect((await save({ roots: { cell } }, "")).code).toBe("OPTION");
    expect((await save({ roots: { later } })).code).toBe("NOT_IN_SNAPSHOT");
    expect((await save({ roots: { cell: other.new(Cell) } })).code).toBe("FOREIGN_OBJECT");
    expect(existsSync(file(`options-${gil}`))).toBe(false);
    expect(rt.stats().framesFree).toBe(framesFree);
    const then = snapshot.see(cell as never);
    expect(await snapshot.save(file(`options-${gil}`), { roots: { then, cell } })).toMatchObject({ objects: 1 });
    snapshot.dispose();
    expect((await save({ roots: { cell } })).code).toBe("SNAPSHOT_CLOSED");
    expect(rt.verify().violations).toEqual([]);
  });

  it("refuses tasks, and says where they are", async () => {
    const rt = await start({ gil });
    const task = rt.spawn(wait, rt.new(Cell), rt.new(Cell, { value: 1 }));
    await task;
    const thing = rt.new(Thing, {
      table: rt.new(Dict, [
        ["jobs", rt.new(List, [1, { current: task }])],
        [5, 1],
      ]),
    });
    const root = rt.new(List, [rt.new(Thing, { next: thing }), rt.new(Thing)]);
    const snapshot = await snapshotOf(rt);
    const error = await failure(snapshot.save(file("tasks"), { roots: { root } }));
    expect(error).toMatchObject({
      code: "NOT_SAVEABLE",
      path: 'roots.root[0].next.table["jobs"][1]["current"]',
      message: expect.stringContaining("is a task"),
    });
    expect(existsSync(file("tasks"))).toBe(false);
  });

  it("can be given up, and leaves what was there", async () => {
    const rt = await start({ gil });
    const cells = rt.new(
      List,
      Array.from({ length: 20_000 }, (_, n) => rt.new(Cell, { value: n })),
    );
    const to = file(`given-up-${gil}`);
    const snapshot = await snapshotOf(rt);
    const abort = new AbortController();
    const phases = new Set<string>();
    const onProgress = ({ phase }: { phase: string }) => {
      phases.add(phase);
      if (phase === "write" && phases.size === 2) abort.abort("enough");
    };
    const options = { roots: { cells }, signal: abort.signal, onProgress };
    expect(await failure(snapshot.save(to, options))).toMatchObject({ code: "CANCELLED", cause: "enough" });
    expect([...phases].at(-1)).toBe("write");
    expect((await failure(snapshot.save(to, options))).code).toBe("CANCELLED");
    expect(existsSync(to)).toBe(false);
    await snapshot.save(to, { roots: { cells } });
    const before = readFileSync(to);
    rt.scope(() => {
      for (let n = 0; n < 20_000; n++) cells.get(n).value = -1;
    });
    const next = await snapshotOf(rt);
    const saving = next.save(to, { roots: { cells }, onProgress: () => next.dispose() });
    expect((await failure(saving)).code).toBe("SNAPSHOT_CLOSED");
    expect(readFileSync(to).equals(before)).toBe(true);
    const last = await snapshotOf(rt);
    await rt.close();
    expect((await failure(last.save(to, { roots: { cells } }))).code).toBe("RUNTIME_CLOSED");
    expect(readFileSync(to).equals(before)).toBe(true);
    expect(readdirSync(folder).filter((name) => /(saving|new)$/.test(name))).toEqual([]);
  });

  it("is one of its file at a time, but does not wait for the dead", async () => {
    const rt = await start({ gil, threads: 1 });
    const cells = rt.new(List, [rt.new(Cell)]);
    const to = file(`busy-${gil}`);
    const snapshot = await snapshotOf(rt);
    const save = () => snapshot.save(to, { roots: { cells } });
    const generations = (await Promise.all([save(), save(), save()])).map(({ generation }) => generation);
    expect(generations.sort()).toEqual([1, 2, 3]);
    const child = spawn(process.execPath, ["-e", "setInterval(() => 0, 1000)"]);
    const host = hostname().replace(/[^\w-]/g, "_");
    const stat = readFileSync(`/proc/${child.pid}/stat`, "latin1");
    const start_ = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
    const claim = `${to}.${host}.${child.pid}.${start_}.saving`;
    writeFileSync(claim, "");
    expect(await failure(save())).toMatchObject({
      code: "IMAGE_BUSY",
      message: expect.stringContaining(`Process ${child.pid} is saving into`),
    });
    const ended = new Promise((resolve) => child.on("exit", resolve));
    child.kill("SIGKILL");
    await ended;
    writeFileSync(claim.replace(/saving$/, "new"), "half an image");
    writeFileSync(`${to}.${host}.${process.pid}.1.saving`, ""); // our number, but another process's start
    expect((await save()).generation).toBe(4);
    writeFileSync(`${to}.elsewhere.1.1.saving`, "");
    expect(await failure(save())).toMatchObject({
      code: "IMAGE_BUSY",
      message: expect.stringContaining("of host elsewhere"),
    });
    rmSync(`${to}.elsewhere.1.1.saving`);
    expect((await save()).generation).toBe(5);
    expect(readdirSync(folder).filter((name) => name.startsWith(`busy-${gil}.`))).toEqual([]);
  });

  it("never writes over what is no image, and says what the system says", async () => {
    const rt = await start({ gil, threads: 1 });
    const cells = rt.new(List, [rt.new(Cell)]);
    const snapshot = await snapshotOf(rt);
    const save = (to: string) => failure(snapshot.save(to, { roots: { cells } }));
    writeFileSync(file("mine"), "a letter to a friend");
    expect((await save(file("mine"))).code).toBe("NOT_AN_IMAGE");
    expect(readFileSync(file("mine"), "latin1")).toBe("a letter to a friend");
    expect(await save(file("no/such/folder"))).toMatchObject({ code: "IMAGE_FILE", cause: { code: "ENOENT" } });
    mkdirSync(file("a-folder"), { recursive: true });
    expect((await save(file("a-folder"))).code).toBe("NOT_AN_IMAGE");
    writeFileSync(file("nothing"), "");
    expect((await snapshot.save(file("nothing"), { roots: { cells } })).generation).toBe(1);
    expect(rt.verify().violations).toEqual([]);
  });
});
