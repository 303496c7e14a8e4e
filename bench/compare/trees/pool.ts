// trees as people do it today: piscina, each thread builds plain objects of its own, a number comes back. The threads
// share nothing: this is what two threads can do when no object is shared.
import type { Piscina } from "piscina";
import type { Job } from "../workload.js";
import { depths, output, type Part, printed, split } from "./game.js";
import { build, count } from "./plain.js";
import type { TreesParams } from "./workload.js";

export const poolFile = new URL(import.meta.url);

export function grow({ depth, iterations }: Part): number {
  let check = 0;
  for (let tree = 0; tree < iterations; tree++) check += count(build(depth));
  return check;
}

export function pool(piscina: Piscina, params: TreesParams): Job {
  let outputs: string[] = [];
  const checks = async (part: Part): Promise<number> => {
    const some = await Promise.all(
      split(part, params.parts).map((task): Promise<number> => piscina.run(task, { name: "grow" })),
    );
    return some.reduce((sum, check) => sum + check, 0);
  };
  const play = async (): Promise<string> => {
    const stretch = count(build(params.most + 1));
    const longLived = build(params.most);
    return output(params, stretch, await Promise.all(depths(params).map(checks)), count(longLived));
  };
  return {
    async run() {
      outputs = [];
      for (let game = 0; game < params.games; game++) outputs.push(await play());
    },
    checksum: () => printed(outputs),
  };
}
