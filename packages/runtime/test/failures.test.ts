// What hangs on errors: it arrives whole, as it was, whatever it is; and the classes that errors have where they arrive.
import { AssertionError } from "node:assert";
import { Dict, is } from "@ungil/heap";
import { describe, expect, it } from "vitest";
import { Box, Reason, t } from "./fixtures/throws.mjs";
import { failure, fixture, inBothModes, type LooseRuntime, node, start, within } from "./helpers.js";

inBothModes("errors arrive whole", (gil) => {
  const fails = async (rt: LooseRuntime, coroutine: any, ...args: unknown[]) =>
    failure(within(10_000, rt.run(coroutine, ...args)));

  it("if one property cannot be sent: that one is said in words", async () => {
    const rt = await start({ gil });
    const error = await fails(rt, t.released);
    expect(error).toBeInstanceOf(RangeError);
    expect([error.message, error.code, error.cause.message]).toEqual(["too big", "E_BIG", "why"]);
    expect(error.cause).toBeInstanceOf(TypeError);
    expect(error.box).toContain("Box (released)");
    expect(error.callback).toContain("Function");
    expect(error.when).toContain("1970");
    const hostile = await fails(rt, t.hostile);
    expect(hostile).toBeInstanceOf(RangeError);
    expect(hostile.fine).toBe(1);
    for (const key of ["bad", "proxy", "trap", "shown"]) expect(hostile[key]).toBeTypeOf("string");
  });

  it("with shared objects, wherever they hang", async () => {
    const rt = await start({ gil });
    const box = rt.new(Box, { x: 7 });
    const error = await fails(rt, t.handles, box);
    for (const handle of [error.box, error.list[0], error.list[1].box]) expect(is(handle, box)).toBe(true);
    const thrown = await fails(rt, t.throwsHandle, box);
    expect([is(thrown, box), thrown.x]).toEqual([true, 7]);
  });

  it("if what was thrown is no error", async () => {
    const rt = await start({ gil });
    expect(await fails(rt, t.throwsOdd, "undefined")).toBe(undefined);
    expect(await fails(rt, t.throwsOdd, "nan")).toBe(Number.NaN);
    expect(await fails(rt, t.throwsOdd, "zero")).toBe(-0);
    expect(await fails(rt, t.throwsOdd, "infinity")).toBe(Number.NEGATIVE_INFINITY);
    expect(await fails(rt, t.throwsOdd, "bigint")).toBe(-(2n ** 70n));
    expect(await fails(rt, t.throwsOdd, "surrogate")).toBe("\ud800 \u0000 \u{1f600}");
    expect(await fails(rt, t.throwsOdd, "object")).toStrictEqual({ a: [1, { b: null }], u: undefined });
    expect(await fails(rt, t.throwsOdd, "symbol")).toBe("Symbol(s)");
    expect(await fails(rt, t.throwsOdd, "map")).toContain("Map");
    expect(await fails(rt, t.throwsOdd, "function")).toContain("Function");
  });

  it("with one object for one object", async () => {
    const rt = await start({ gil });
    const error = await fails(rt, t.twice);
    expect(error.a).toEqual({ n: 1 });
    expect(error.b).toBe(error.a);
    expect(error.list[0]).toBe(error.a);
    expect(error.inner).toBeInstanceOf(RangeError);
    expect(error.list[1]).toBe(error.inner);
    expect(error.inner.stack).toMatch(/^RangeError: in\n\s+at /);
    const self = await fails(rt, t.selfCause);
    expect(self).toBeInstanceOf(RangeError);
    expect([self.cause === self, self.me[0] === self]).toEqual([true, true]);
  });

  it("in time and memory that grow with what there is, not with the ways through it", async () => {
    const rt = await start({ gil, memory: "16MiB" });
    const all = await fails(rt, t.parts, 100);
    expect(all).toBeInstanceOf(AggregateError);
    expect(all.errors).toHaveLength(100);
    for (const part of all.errors) expect(part.cause).toBe(all);
    const { rows } = await fails(rt, t.rows, 1500);
    expect(rows).toEqual(Array.from({ length: 1500 }, (_, n) => ({ n })));
    let length = 0;
    for (let at = await fails(rt, t.chain, 100); at; at = at.cause) expect(at.message).toBe(String(99 - length++));
    expect(length).toBe(100);
  });

  it("up to a limit, beyond which they say what was left out", async () => {
    const rt = await start({ gil });
    const error = await fails(rt, t.large, 3_000_000);
    expect(error).toBeInstanceOf(RangeError);
    expect([error.message, error.cause.message]).toEqual(["large", "why"]);
    expect(error.text).toMatch(/^x+\.\.\. \[\d+ characters are left out\]$/);
    expect(JSON.stringify(error)).toContain("left out");
    const chain = await fails(rt, t.chain, 100_000);
    expect(chain.message).toBe("99999");
    let last = chain;
    while (last.cause instanceof Error) last = last.cause;
    expect(last.cause).toContain("left out");
    expect(rt.verify().violations).toEqual([]);
  });

  it("with properties of any name", async () => {
    const rt = await start({ gil });
    const error = await fails(rt, t.proto);
    expect(error).toBeInstanceOf(Error);
    expect(error.evil).toBe(undefined);
    expect(Object.getOwnPropertyDescriptor(error, "__proto__")?.value).toEqual({ evil: 1 });
    expect(Object.getPrototypeOf(error.nested)).toBe(Object.prototype);
    expect(Object.keys(error.nested)).toEqual(["__proto__"]);
  });

  it("if node throws them", async () => {
    const rt = await start({ gil });
    const assert = await fails(rt, t.native, "assert");
    expect(assert).toBeInstanceOf(AssertionError);
    expect([assert.code, assert.actual, assert.expected]).toEqual(["ERR_ASSERTION", 1, 2]);
    expect(await fails(rt, t.native, "fs")).toMatchObject({ code: "ENOENT", syscall: "open", path: "/nowhere/at/all" });
    expect(await fails(rt, t.native, "vm")).toBeInstanceOf(TypeError);
    expect(await fails(rt, t.native, "wasm")).toBeInstanceOf(WebAssembly.CompileError);
    const aborted = await fails(rt, t.native, "dom");
    expect(aborted).toBeInstanceOf(DOMException);
    expect([aborted.name, aborted.message]).toEqual(["AbortError", "gone"]);
  });

  it("also on their way to a coroutine that is cancelled", async () => {
    const rt = await start({ gil });
    const box = rt.new(Box, {});
    const task = rt.spawn(t.reason, box);
    await expect.poll(() => box.x, { timeout: 3000 }).toBe(1);
    const reason = Object.assign(new Reason("enough"), { text: "x".repeat(1000) });
    reason.cause = reason;
    task.cancel(reason);
    expect(await within(5000, task)).toEqual([true, true, true, reason.text]);
  });

  it("with class and message when memory is out", async () => {
    const rt = await start({ gil, memory: "8MiB", threads: 1 });
    const holder = rt.new(Dict);
    const error = await fails(rt, t.full, holder, "no room \u{1f600}", 5000, 1000, 200, 1);
    expect(error).toBeInstanceOf(RangeError);
    expect(error.message).toBe("no room \u{1f600}");
    expect(error.detail).toContain("left out");
    // There is one such reserve a thread.
    const next = await fails(rt, t.full, holder, "no room");
    expect(["RangeError", "OutOfMemoryError"]).toContain(next.name);
    holder[Symbol.dispose]();
    await expect.poll(async () => (await fails(rt, t.twice)).message, { timeout: 5000 }).toBe("twice");
    expect(rt.verify().violations).toEqual([]);
  });
});

describe.each(["gil", "free"])("classes of errors (%s)", (mode) => {
  const run = async (file: string, env: NodeJS.ProcessEnv = {}) => {
    const ran = await node([fixture(file), mode], { timeout: 20_000, env });
    expect([ran.err, ran.code]).toEqual(["", 0]);
    return ran.out.trim().split("\n");
  };

  it("are those of the module that threw them, also if others have the name", async () => {
    const [line = ""] = await run("classes.mjs");
    expect(JSON.parse(line)).toEqual({
      same: [
        [true, false, "a"],
        [false, true, "b"],
        [true, false, "a"],
      ],
      own: [
        ["SchemaError", "Error", "of a"],
        ["CancelledError", "Error", "of a"],
        ["RemoteError", "LimitError", "of a"],
        ["RemoteError", "Private", "of a"],
      ],
      isMine: [true, true],
      isUngils: [false, false, false, false],
      inside: [true, true, true, true, true],
    });
  });

  it("are known in a program of one file that awaits at its top level", async () => {
    const [line = "", late] = await run("one-file.mjs");
    const paid = ["PaymentError", "insufficient funds", "E_FUNDS", true];
    expect(JSON.parse(line)).toEqual({
      first: [paid, paid],
      prompt: true,
      rest: [["RemoteError", "hidden", "REMOTE", false], ["Registered", "registered", null, false], paid],
      many: [true, true],
      unhandled: [true],
      slow: "slow",
    });
    expect(late).toBe("true Error late");
  });

  it("are RemoteErrors in such a program if no file can be written, and no later for that", async () => {
    const nowhere = fixture("nowhere");
    const [line = "", late] = await run("one-file.mjs", { TMPDIR: nowhere, TEMP: nowhere, TMP: nowhere });
    const paid = ["RemoteError", "insufficient funds", "REMOTE", false];
    expect(JSON.parse(line)).toMatchObject({ first: [paid, paid], prompt: true, many: [false, true], slow: "slow" });
    expect(late).toBe("false Later late");
  });

  it("are known in CommonJS", async () => {
    const [line] = await run("one-file.cjs");
    expect(line).toBe("true true insufficient funds");
  });
});
