// trees on V8's own shared structs (`node --harmony-struct`), in a process of its own; timed inside it.
import { type ChildProcess, execFile, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Peer } from "../workload.js";
import type { TreesParams } from "./workload.js";

const FLAG = "--harmony-struct";

export const v8SharedStructs: Peer<TreesParams> = {
  mode: "peer:v8-shared-structs",
  threads: 1,
  samples: 2,

  missing: () =>
    new Promise((resolve) => {
      execFile(process.execPath, [FLAG, "--print", "typeof SharedStructType"], (error, printed) => {
        resolve(error === null && printed.trim() === "function" ? null : `this Node has no ${FLAG}`);
      });
    }),

  job(params) {
    const program = fork(fileURLToPath(new URL("./structs.js", import.meta.url)), {
      // Flags of ours, a debugger's or a loader's, are not for it.
      execArgv: [FLAG],
      serialization: "json",
    });
    let lines = "";
    return {
      async run() {
        const answer = await ask(program, params);
        lines = answer.lines;
        return answer.ms;
      },
      checksum: () => lines,
      async close() {
        if (!program.connected) return;
        const ended = once(program, "exit");
        program.disconnect();
        await ended;
      },
    };
  },
};

function ask(program: ChildProcess, params: TreesParams): Promise<{ lines: string; ms: number }> {
  return new Promise((resolve, reject) => {
    const failed = (code: number | null): void =>
      reject(new Error(`node ${FLAG} ended with ${code} in the middle of a run`));
    program.once("exit", failed);
    program.once("message", (answer) => {
      program.off("exit", failed);
      resolve(answer as { lines: string; ms: number });
    });
    program.send(params, (error) => error && reject(error));
  });
}
