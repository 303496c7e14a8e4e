/**
 * The system thread of a runtime: it runs no coroutines, and does for all what need not be done in the middle of somebody's step.
 * It holds no handles and no translations, so no grace period, stop or cut waits for it; and it waits for nothing itself.
 */
import { threadId } from "node:worker_threads";
import { Kernel } from "@ungil/kernel";
import { calls, type MainControl, type SystemControl, serve } from "./control.js";
import { DutyLoop } from "./duty.js";
import type { SystemTask } from "./host.js";
import { Pager } from "./pager.js";

export async function run({ machine, slot, policy, control, report }: SystemTask): Promise<void> {
  const main = calls<MainControl>(report);
  const kernel = new Kernel(machine, slot);
  const loop = new DutyLoop(kernel, new Pager(kernel, policy));
  await new Promise<void>((resolve) => {
    serve<SystemControl>(control, {
      async stop() {
        loop.stop();
        resolve();
      },
    });
    main.hello(threadId);
    loop.start();
  });
}
