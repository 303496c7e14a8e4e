// A process that saves into an image again and again is killed at random moments: the image always opens, and is the last state that
// it has said to be saved, or the one that it was saving.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Runtime } from "@ungil/runtime";
import { afterAll, beforeAll, expect, it } from "vitest";
import "./fixtures/images.mjs";
import { fixture } from "./helpers.js";
import { random } from "./image-graph.js";

/** How often: UNGIL_TEST_KILLS=200 takes a minute or so. */
const KILLS = Number(process.env.UNGIL_TEST_KILLS ?? 32);
/** After so many a new image is begun, so that the first save is cut off too. */
const LIFE = 8;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "ungil-kill-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Killed {
  /** The last states that it had begun to save, and that it had saved; 0 if none. */
  begun: number;
  saved: number;
  err: string;
}

/** Runs the saver, and kills it so many milliseconds after its first word. */
function run(file: string, mode: string, milliseconds: number): Promise<Killed> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [fixture("image-kill.mjs"), file, mode], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let [out, err] = ["", ""];
    const kill = () => child.kill("SIGKILL");
    const late = setTimeout(kill, 20_000);
    child.stdout.setEncoding("utf8").once("data", () => setTimeout(kill, milliseconds));
    child.stdout.on("data", (text: string) => (out += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
    child.on("error", reject);
    child.on("close", () => {
      clearTimeout(late);
      const last = (word: string) =>
        Math.max(0, ...[...out.matchAll(new RegExp(`^${word} (\\d+)$`, "gm"))].map(([, n]) => Number(n)));
      resolve({ begun: last("begin"), saved: last("saved"), err });
    });
  });
}

/** The state of an image, every part of which must agree with it. */
async function stateOf(file: string): Promise<number> {
  const rt = await Runtime.open(file, { threads: 1 });
  try {
    expect(rt.verify().violations).toEqual([]);
    const { state, cells, things } = rt.roots as any;
    rt.scope(() => {
      const n = state.value;
      const whole = n - (n % 5);
      for (let k = 0; k < cells.length; k++) {
        const expected = k % 997 === 0 ? n : whole;
        if (cells.get(k).value !== expected) throw new Error(`state ${n}: cell ${k} is ${cells.get(k).value}`);
      }
      const last = things.get(things.length - 1);
      if (things.length > 3) expect([last.text, last.double]).toEqual([`state ${n}`, n]);
    });
    return state.value;
  } finally {
    await rt.close();
  }
}

async function lives(
  name: string,
  kills: number,
  draw: (n: number) => number,
): Promise<{ between: number; during: number }> {
  let [between, during] = [0, 0];
  for (let kill = 0, known = 0; kill < kills; kill++) {
    const file = path.join(folder, `${name}-${Math.floor(kill / LIFE)}.image`);
    if (kill % LIFE === 0) known = 0;
    const { begun, saved, err } = await run(file, draw(2) ? "gil" : "free", draw(2) ? draw(15) : draw(80));
    expect({ begun: begun > 0, err }).toEqual({ begun: true, err: "" });
    const least = Math.max(known, saved);
    if (existsSync(file)) {
      known = await stateOf(file);
      expect(known).toBeGreaterThanOrEqual(least);
      expect(known).toBeLessThanOrEqual(begun);
    } else expect(least).toBe(0);
    if (saved === begun) between++;
    else during++;
  }
  return { between, during };
}

it(
  "a process killed while it saves leaves the old image or the new one, whole",
  async () => {
    const seed = Number(process.env.UNGIL_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
    console.log(`kills: UNGIL_TEST_SEED=${seed}`);
    const draw = random(seed);
    const begin = performance.now();
    const half = Math.ceil(KILLS / 2);
    const both = await Promise.all([lives("a", half, draw), lives("b", KILLS - half, draw)]);
    const during = both.reduce((sum, one) => sum + one.during, 0);
    console.log(`kills: ${KILLS} in ${((performance.now() - begin) / 1000).toFixed(1)} s, ${during} of them in a save`);
    expect(during).toBeGreaterThan(0);
    // What the dead have left is removed by the next save, so no more is there than two leave.
    expect(readdirSync(folder).filter((name) => /(saving|new)$/.test(name)).length).toBeLessThanOrEqual(
      2 * Math.ceil(KILLS / LIFE) + 2,
    );
  },
  30_000 + KILLS * 3000,
);
