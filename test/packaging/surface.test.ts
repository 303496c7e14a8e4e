import * as heap from "@ungil/heap";
import * as kernel from "@ungil/kernel";
import * as memory from "@ungil/memory";
import * as runtime from "@ungil/runtime";
import * as ungil from "ungil";
import * as ungilMemory from "ungil/memory";
import { expect, test } from "vitest";

type ErrorClass = new (...args: never[]) => Error;

const isErrorClass = (value: unknown): value is ErrorClass =>
  typeof value === "function" && (value === kernel.UngilError || value.prototype instanceof kernel.UngilError);

const below: Record<string, unknown> = { ...kernel, ...heap, ...runtime };
const errors = Object.keys(below).filter((name) => isErrorClass(below[name]));

test("ungil exports every error class that a package below can throw", () => {
  expect(errors.length).toBeGreaterThan(10);
  expect(errors.filter((name) => (ungil as Record<string, unknown>)[name] !== below[name])).toEqual([]);
});

test("the name of an error class is the name it is exported under", () => {
  expect(errors.filter((name) => (below[name] as ErrorClass).name !== name)).toEqual([]);
});

test("what ungil exports, by name", () => {
  const names = Object.keys(ungil).filter((name) => !errors.includes(name));
  expect(names.sort()).toEqual(
    [
      ...["Dict", "List", "bool", "dict", "f64", "i32", "id", "is", "keep", "list", "ref", "refcount", "release"],
      ...["scope", "sizeof", "str", "struct", "u32"],
      ...["Runtime", "Task", "all", "clearPoison", "coroutines", "join", "lock", "registerErrors", "sleep", "spawn"],
      ...["tryLock", "until", "Weak", "weak", "Finalizer", "finalize", "destructor"],
      ...["WeakKeyDict", "WeakSet", "WeakValueDict"],
    ].sort(),
  );
});

test("ungil/memory exports all of the package below, and its errors derive from the same class", () => {
  expect(Object.keys(ungilMemory).sort()).toEqual(Object.keys(memory).sort());
  for (const name of Object.keys(memory)) {
    expect((ungilMemory as Record<string, unknown>)[name]).toBe((memory as Record<string, unknown>)[name]);
  }
  const own = Object.entries(memory).filter(([, value]) => isErrorClass(value));
  expect(own.map(([name]) => name).sort()).toEqual(
    [
      ...["BusError", "OutOfMemoryError", "PolicyError", "ProtectionFaultError", "SegmentationFaultError"],
      ...["SimulationError", "StorageError", "TraceError", "VirtualMemoryError"],
    ].sort(),
  );
  for (const [name, value] of own) expect((value as ErrorClass).name).toBe(name);
});
