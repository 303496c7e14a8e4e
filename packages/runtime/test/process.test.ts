import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fixture, node } from "./helpers.js";

// Programs of their own, in a project that has the packages installed (by links).
const runtime = fileURLToPath(new URL("..", import.meta.url));
let project: string;

beforeAll(() => {
  project = mkdtempSync(path.join(tmpdir(), "ungil é "));
  mkdirSync(path.join(project, "node_modules/@ungil"), { recursive: true });
  for (const name of ["kernel", "heap", "runtime"]) {
    symlinkSync(path.join(runtime, "..", name), path.join(project, "node_modules/@ungil", name), "junction");
  }
});

afterAll(() => rmSync(project, { recursive: true, force: true }));

function write(name: string, text: string): string {
  const file = path.join(project, name);
  writeFileSync(file, text);
  return file;
}

const imports = `
import { isMainThread } from "node:worker_threads";
import { f64, struct } from "@ungil/heap";
import { coroutines, Runtime, sleep, spawn } from "@ungil/runtime";
`;

describe.each(["gil: true", "gil: false"])("a program (%s)", (mode) => {
  const start = `await Runtime.start({ threads: 2, ${mode} })`;

  it("is one file under a guard", async () => {
    const file = write(
      "one.mjs",
      `${imports}
      class Account extends struct("Account", { balance: f64 }) { get empty() { return this.balance === 0; } }
      export class MyError extends Error { constructor(message) { super(message); this.name = "MyError"; this.extra = 1; } }
      const { work, fail } = coroutines(import.meta, {
        *work(account) { account.balance += 1; const t = yield* spawn(work2, 2); return account.empty ? 0 : yield* t; },
        *fail() { throw new MyError("mine"); },
      });
      const { work2 } = coroutines(import.meta, { *work2(x) { return x * 21; } });
      async function main() {
        const rt = ${start};
        console.log(await rt.run(work, rt.new(Account, { balance: 1 })));
        await rt.run(fail).catch((error) => console.log(error instanceof MyError, error.extra, error.message));
        await rt.close();
      }
      if (isMainThread) main();`,
    );
    expect(await node([file])).toMatchObject({ code: 0, err: "", out: "42\ntrue 1 mine\n" });
  });

  it("that is one file and awaits at its top level gets the error of the coroutine, not a deadlock", async () => {
    const file = write(
      "top.mjs",
      `${imports}
      export class PaymentError extends Error {}
      export const { pay, work } = coroutines(import.meta, {
        *pay() { throw new PaymentError("declined"); },
        *work() { yield* sleep(300); return "done"; },
      });
      if (isMainThread) {
        const rt = ${start};
        const results = await Promise.allSettled([rt.run(pay), rt.run(pay), rt.run(work)]);
        console.log(results.map(({ reason, value }) => reason?.message ?? value).join());
        await rt.close();
      }`,
    );
    expect(await node([file])).toMatchObject({ code: 0, err: "", out: "declined,declined,done\n" });
  });

  it("without a guard is shown the fix", async () => {
    const file = write(
      "unguarded.mjs",
      `${imports}
      const { work } = coroutines(import.meta, { *work() { return 1; } });
      const rt = ${start};
      await rt.run(work).catch((error) => console.log(error.code, error.message.includes("if (isMainThread)")));
      await rt.close();`,
    );
    expect(await node([file])).toMatchObject({ code: 0, err: "", out: "RUNTIME_IN_WORKER true\n" });
  });

  it("may be CommonJS", async () => {
    const file = write(
      "common.cjs",
      `const { isMainThread } = require("node:worker_threads");
      const { coroutines, Runtime } = require("@ungil/runtime");
      const { work } = coroutines(module, { *work(x) { return x + 1; } });
      if (isMainThread) (async () => { const rt = ${start}; console.log(await rt.run(work, 1)); await rt.close(); })();`,
    );
    expect(await node(["--no-warnings", file])).toMatchObject({ code: 0, err: "", out: "2\n" });
  });

  it("may come through --input-type: what breaks workers is filtered", async () => {
    write("lib.mjs", `${imports} export const { work } = coroutines(import.meta, { *work(x) { return x + 1; } });`);
    const text = `import { Runtime } from "@ungil/runtime"; import { work } from "./lib.mjs";
      const rt = ${start}; console.log(await rt.run(work, 1)); await rt.close();`;
    expect(await node(["--input-type=module", "-e", text], { cwd: project })).toMatchObject({
      code: 0,
      err: "",
      out: "2\n",
    });
  });

  it.each([
    ["of V8", ["--max-old-space-size=512", "--expose-gc", "--stack-size=900", "--harmony"]],
    ["of the process", ["--title=ungil", "--zero-fill-buffers"]],
  ])("may come through -e with options %s, and loaders that workers keep", async (_, options) => {
    write(
      "lib.mjs",
      `${imports} export const { look } = coroutines(import.meta, { *look() { return globalThis.loaded; } });`,
    );
    write("loaded.cjs", "globalThis.loaded = (globalThis.loaded ?? 0) + 1;");
    write("loaded.mjs", "globalThis.loaded = (globalThis.loaded ?? 0) + 10;");
    const text = `import { Runtime } from "@ungil/runtime"; import { look } from "./lib.mjs";
      const rt = ${start}; console.log(await rt.run(look)); await rt.close();`;
    const loaders = ["--require", "./loaded.cjs", "--import=./loaded.mjs", "--conditions", "x", "-C", "y"];
    const args = [...options, ...loaders, "--no-warnings", "--input-type=module", "-e", text];
    expect(await node(args, { cwd: project })).toMatchObject({ code: 0, err: "", out: "11\n" });
  });

  it("prints what a coroutine logs at once, whatever the threads do", async () => {
    const file = write(
      "log.mjs",
      `${imports}
      export const { log, nothing } = coroutines(import.meta, {
        *nothing() {},
        *log() { console.log("now " + Date.now()); const until = Date.now() + 600; while (Date.now() < until); },
      });
      if (isMainThread) {
        const rt = ${start};
        await Promise.all([rt.run(nothing), rt.run(nothing)]);
        const done = rt.run(log);
        // The main thread is busy too.
        const until = Date.now() + 400;
        while (Date.now() < until);
        await done;
        await rt.close();
      }`,
    );
    const begin = performance.timeOrigin + performance.now();
    const ran = await node([file]);
    expect(ran.code).toBe(0);
    const [at, text] = ran.times.find(([, line]) => line.startsWith("now"))!;
    expect(begin + at - Number(text.split(" ")[1])).toBeLessThan(100);
  });

  it("dies of a failed task that nobody awaits, unless there is a hook", async () => {
    const file = write(
      "unhandled.mjs",
      `${imports}
      export const { fail } = coroutines(import.meta, { *fail() { throw new RangeError("nobody wants me"); } });
      if (isMainThread) { const rt = ${start}; rt.spawn(fail); setTimeout(() => console.log("still here"), 2000); }`,
    );
    const ran = await node([file]);
    expect([ran.code, ran.out]).toEqual([1, ""]);
    expect(ran.err).toContain("RangeError: nobody wants me");
  });

  it("stays alive while tasks are outstanding, and not longer", async () => {
    const file = write(
      "alive.mjs",
      `${imports}
      export const { nap } = coroutines(import.meta, { *nap() { yield* sleep(300); return "napped"; } });
      if (isMainThread) ${start}.then((rt) => { rt.run(nap).then(console.log); });`,
    );
    const ran = await node([file], { timeout: 10_000 });
    expect(ran).toMatchObject({ code: 0, err: "", out: "napped\n" });
    expect(ran.ms).toBeLessThan(5000);
  });

  it("may be bundled, with several modules in one file", async () => {
    write(
      "part1.mjs",
      `${imports} const step = (x) => x + 1; export const { go } = coroutines(import.meta, { *go(x) { return step(x); } });`,
    );
    write(
      "part2.mjs",
      `${imports} const step = (x) => x * 10; export const { go } = coroutines(import.meta, { *go(x) { return step(x); } });`,
    );
    const entry = write(
      "bundle-main.mjs",
      `import { go as one } from "./part1.mjs"; import { go as two } from "./part2.mjs";
      import { isMainThread } from "node:worker_threads"; import { Runtime } from "@ungil/runtime";
      async function main() { const rt = ${start}; console.log(await rt.run(one, 4), await rt.run(two, 4), one.id !== two.id); await rt.close(); }
      if (isMainThread) main();`,
    );
    const outfile = path.join(project, "bundle.mjs");
    const { build } = createRequire(path.join(runtime, "../../package.json"))("esbuild") as typeof import("esbuild");
    await build({
      entryPoints: [entry],
      bundle: true,
      format: "esm",
      platform: "node",
      outfile,
      external: ["@ungil/*"],
      logLevel: "silent",
    });
    expect(await node([outfile])).toMatchObject({ code: 0, err: "", out: "5 40 true\n" });
  });

  it("may not register two coroutines of one key and text: not by a function, not by a bundle of CommonJS", async () => {
    const file = write(
      "factory.mjs",
      `${imports}
      const make = (k) => coroutines(import.meta, { *add(x) { return x + k; } });
      const one = make(1);
      try { make(100); } catch (error) { if (isMainThread) console.log(error.code, error.key, error.url === import.meta.url); }
      export const { other } = coroutines(import.meta, { *other() { return 1; } });
      async function main() { const rt = ${start}; console.log(await rt.run(one.add, 1)); await rt.close(); }
      if (isMainThread) main();`,
    );
    expect(await node([file])).toMatchObject({ code: 0, err: "", out: "COROUTINE_CONFLICT add true\n2\n" });

    for (const where of ["module", '{ url: require("node:url").pathToFileURL(__filename).href }']) {
      const part = (name: string, factor: number) =>
        write(
          name,
          `const { coroutines } = require("@ungil/runtime"); const factor = ${factor};
          exports.co = coroutines(${where}, { *mul(x) { return x * factor; } });`,
        );
      part("cjs1.cjs", 1);
      part("cjs2.cjs", 2);
      const entry = write(
        "cjs-main.cjs",
        `const { isMainThread } = require("node:worker_threads"); const { Runtime } = require("@ungil/runtime");
        try {
          const a = require("./cjs1.cjs"), b = require("./cjs2.cjs");
          if (isMainThread) (async () => { const rt = ${start};
            console.log(await rt.run(a.co.mul, 10), await rt.run(b.co.mul, 10)); await rt.close(); })();
        } catch (error) { console.log(error.code); }`,
      );
      const outfile = path.join(project, "bundle.cjs");
      const { build } = createRequire(path.join(runtime, "../../package.json"))("esbuild") as typeof import("esbuild");
      await build({
        entryPoints: [entry],
        bundle: true,
        format: "cjs",
        platform: "node",
        outfile,
        external: ["@ungil/*"],
        logLevel: "silent",
      });
      expect(await node([entry])).toMatchObject({ code: 0, err: "", out: "10 20\n" });
      // esbuild's own \`module\` has no file name.
      const code = where === "module" ? "OPTION" : "COROUTINE_CONFLICT";
      expect(await node([outfile])).toMatchObject({ code: 0, err: "", out: `${code}\n` });
    }
  });

  it("may evaluate a module again", async () => {
    const lib = write(
      "again.cjs",
      `const { coroutines } = require("@ungil/runtime");
      Object.assign(exports, coroutines(module, { *ten(x) { return x * 10; } }));`,
    );
    const file = write(
      "again-main.cjs",
      `const { isMainThread } = require("node:worker_threads"); const { Runtime } = require("@ungil/runtime");
      if (isMainThread) (async () => { const rt = ${start};
        for (let n = 1; n < 4; n++) {
          delete require.cache[${JSON.stringify(lib)}];
          console.log(await rt.run(require(${JSON.stringify(lib)}).ten, n));
        }
        await rt.close(); })();`,
    );
    expect(await node([file])).toMatchObject({ code: 0, err: "", out: "10\n20\n30\n" });
  });

  it("runs preload modules first on each thread", async () => {
    const preload = write("preload.mjs", `globalThis.preloaded = (globalThis.preloaded ?? 0) + 1;`);
    const file = write(
      "with-preload.mjs",
      `${imports}
      const atImport = globalThis.preloaded;
      export const { look } = coroutines(import.meta, { *look() { return atImport; } });
      if (isMainThread) {
        const rt = await Runtime.start({ threads: 2, ${mode}, preload: [new URL(${JSON.stringify(pathToFileURL(preload).href)})] });
        console.log(await Promise.all([rt.run(look), rt.run(look), rt.run(look)]));
        await rt.close();
      }`,
    );
    expect(await node([file])).toMatchObject({ code: 0, err: "", out: "[ 1, 1, 1 ]\n" });
  });
});

it("gives objects the methods of their classes, also those that the main thread has not made one of yet", async () => {
  const { code, out, err } = await node([fixture("methods.mjs")]);
  expect([code, err]).toEqual([0, ""]);
  expect(out.trim().split("\n")).toEqual(["[12,[3,12],3,25,true]", "Circle { r: 2 } 1"]);
});
