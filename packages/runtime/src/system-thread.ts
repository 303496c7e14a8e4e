/**
 * The system thread of a runtime: it runs no coroutines, and does for all what need not be done in the middle of somebody's step.
 * It holds no handles and no translations, so no grace period, stop or cut waits for it; and it waits for nothing itself.
 */
import { threadId } from "node:worker_threads";
import { Kernel } from "@ungil/kernel";
import { CycleCollector } from "./collector.js";
import { calls, type MainControl, type SystemControl, serve } from "./control.js";
import { DutyLoop } from "./duty.js";
import { pack } from "./failure.js";
import type { SystemTask } from "./host.js";
import { Pager } from "./pager.js";

export async function run(task: SystemTask): Promise<void> {
  const { machine, slot, collectorSlot, policy, control, report } = task;
  const main = calls<MainControl>(report);
  const kernel = new Kernel(machine, slot);
  const gaveUp = (error: unknown) => main.policyFailed(pack(error));
  const loop = policy === null ? null : new DutyLoop(kernel, new Pager(kernel, policy, gaveUp));
  const collector = new CycleCollector(machine, collectorSlot, {
    cutClosed: (cut) => void main.cutClosed(cut).catch(() => undefined),
    collected: (report) => void main.collected(report).catch(() => undefined),
  });
  await new Promise<void>((resolve) => {
    serve<SystemControl>(control, {
      async stop() {
        loop?.stop();
        collector.stop();
        resolve();
      },
      collect: (stopWorld) => collector.collect(stopWorld),
    });
    main.hello(threadId);
    loop?.start();
    collector.listen();
  });
}
