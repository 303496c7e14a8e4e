// What the ports share: a runtime for each test, in both modes; every wait bounded.

import { List, type Runtime as Rt, Runtime } from "ungil";
import { afterEach, describe, expect } from "vitest";

const open = new Set<Rt>();

afterEach(async () => {
  for (const rt of open) await rt.close();
  open.clear();
});

export interface World {
  // The fixtures are JavaScript, of which TypeScript knows nothing.
  rt: any;
  /** What failed callbacks have said. */
  seen: string[];
  /** Collects until nothing more dies. */
  collect(): Promise<void>;
  /** Waits for what a coroutine does. */
  comes(what: () => unknown, value: unknown): Promise<void>;
  list(): any;
  texts(list: any): any[];
}

export async function world(gil: boolean): Promise<World> {
  const seen: string[] = [];
  const rt: any = await Runtime.start({
    gil,
    threads: 2,
    memory: "64MiB",
    onUnhandled: (error: any) => void seen.push(error.message),
  });
  open.add(rt);
  const pause = () => new Promise((resolve) => setTimeout(resolve, 10));
  const collect = async () => {
    for (let n = 0; n < 20; n++) {
      const report = await rt.gc.collect();
      await pause();
      if (report?.collected === 0 && n > 0) break;
    }
    expect(rt.verify().violations).toEqual([]);
  };
  return {
    rt,
    seen,
    collect,
    comes: (what, value) => expect.poll(what, { timeout: 5000 }).toEqual(value),
    list: () => rt.new(List),
    texts: (list) => rt.scope(() => list.toArray()),
  };
}

export function inBothModes(name: string, tests: (gil: boolean) => void): void {
  describe.each([
    ["gil", true],
    ["free", false],
  ])(`${name} (%s)`, (_, gil) => tests(gil));
}
