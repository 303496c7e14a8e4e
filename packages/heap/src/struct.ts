/**
 * struct(): classes of shared objects. Accessors and constructor are generated for each class: straight-line code with the
 * offsets written in, one kernel call each, which V8 optimises apart from other classes (closures made by one factory would
 * share its inline caches). Field names enter the source as string literals only.
 */
import { Layout as L } from "@ungil/kernel";
import { defineShared } from "./define.js";
import { FieldTypeError, ForeignObjectError, NoRuntimeError, SchemaError } from "./errors.js";
import { type Heap, structsByName } from "./heap.js";
import { linkStruct, prototypeOf, tokenOf } from "./links.js";
import { type FieldLayout, type Fields, layOut, type Schema, type Struct, type StructLayout } from "./schema.js";
import { innermost, type Scope, thread } from "./scope.js";
import {
  ADDRESS,
  addressOf,
  type ClassToken,
  isWrapper,
  KIND,
  makeWrap,
  nameOf,
  SCOPE,
  slow,
  type Wrap,
  type Wrapper,
} from "./shared.js";
import { targetOf } from "./signature.js";

type Constructor = (new (init: unknown) => Wrapper) & { prototype: object };

/** What the generated code refers to. */
interface Environment {
  A: typeof ADDRESS;
  S: typeof SCOPE;
  KIND: typeof KIND;
  thread: typeof thread;
  innermost: typeof innermost;
  slow: typeof slow;
  token(field: number): ClassToken;
  addressIn(value: unknown, token: ClassToken, scope: Scope, field: number): number;
  textIn(value: unknown, scope: Scope, field: number): number;
  typeError(field: number, value: unknown): never;
  fail(scope: Scope, code: number, field: number): never;
  loadAgain(scope: Scope, address: number, field: number): number;
  storeAgain(scope: Scope, address: number, field: number, value: number): number;
  create(scope: Scope, type: number): number;
  createRefs(scope: Scope, type: number, a: number, b: number): number;
  prepare(heap: Heap, target: unknown, init: unknown): number;
  handle(target: Constructor): Wrap;
  constructOutside(base: Constructor, target: Constructor, init: unknown): Wrapper;
}

const expected: Record<FieldLayout["kind"], string> = {
  i32: "an integer from -2147483648 to 2147483647",
  u32: "an integer from 0 to 4294967295",
  f64: "a number",
  bool: "true or false",
  str: "a string",
  ref: "an object of its class, or null",
};

/** A class of objects in shared memory with these fields; extend it. The first definition of a name fixes its layout. */
export function struct<const S extends Schema>(
  name: string,
  schema: S,
): { new (init?: Partial<Fields<S>>): Struct<S>; readonly structName: string } {
  const token = { name, wrap: undefined as unknown as Wrap };
  const layout = layOut(name, schema, token, struct);
  const base = generate(layout);
  Object.defineProperty(base, "structName", { value: name });
  // `instanceof` goes by the struct, and is a moment at which the class that extends it is seen.
  Object.defineProperty(base, Symbol.hasInstance, {
    value(this: unknown, value: unknown) {
      return isWrapper(value) && value[KIND] === tokenOf(this);
    },
  });
  defineShared(base.prototype, token, (wrapper) => fieldsOf(wrapper, layout));
  linkStruct(base, layout);
  Object.defineProperty(token, "wrap", {
    get() {
      const wrap = makeWrap(prototypeOf(base));
      Object.defineProperty(token, "wrap", { value: wrap });
      return wrap;
    },
    configurable: true,
  });
  const known = structsByName.get(name);
  if (known) known.push(layout);
  else structsByName.set(name, [layout]);
  return base as never;
}

/**
 * Initial values name fields. It takes longer than making the object, so it is done where that does not matter: outside
 * steps, and for the first object that a thread makes.
 */
function checkInitial({ name, order }: StructLayout, init: unknown): void {
  if (typeof init !== "object" || init === null)
    throw new SchemaError(`new ${name}(...) takes an object of initial values, not ${String(init)}`);
  for (const field of Object.keys(init)) {
    if (!order.includes(field))
      throw new SchemaError(`new ${name}(...): there is no field ${field}. It has: ${order.join(", ")}`);
  }
}

function fieldsOf(wrapper: Wrapper, layout: StructLayout): Record<string, unknown> {
  const shown: Record<string, unknown> = {};
  for (const name of layout.order) shown[name] = (wrapper as unknown as Record<string, unknown>)[name];
  return shown;
}

function generate(layout: StructLayout): { prototype: object } {
  const source = [
    `"use strict";`,
    "const { A, S, KIND, thread, innermost, slow } = env;",
    "let heap = null, type = 0, target = null, Handle = null;",
    "const none = Object.freeze({});",
    "function Nothing() {}",
    "function prepare(s, newTarget, init) { type = env.prepare(s.heap, newTarget, init); heap = s.heap; target = newTarget; Handle = env.handle(target); }",
  ];
  layout.fields.forEach((field, n) => {
    if (field.kind !== "ref") return;
    source.push(`let k${n} = null, W${n} = null;`);
    source.push(`function resolve${n}() { k${n} = env.token(${n}); W${n} = k${n}.wrap; }`);
    source.push(
      `function address${n}(v, s) { if (k${n} === null) resolve${n}(); return env.addressIn(v, k${n}, s, ${n}); }`,
    );
  });
  source.push(constructorSource(layout));
  layout.fields.forEach((field, n) => source.push(accessorSource(field, n)));
  source.push("return Base;");
  return new Function("env", source.join("\n"))(environment(layout)) as { prototype: object };
}

/** Source of an expression that is the address of a reference given to field `n`; most are handles of the same scope. */
function referenceSource(value: string, n: number): string {
  return `(${value} == null ? 0 : ${value}[KIND] === k${n} && ${value}[S] === s ? ${value}[A] : address${n}(${value}, s))`;
}

/**
 * The constructor returns a wrapper of its own making instead of `this`: then every instance, new or read from memory, has
 * one hidden class. A derived class (of nothing) because such a constructor makes no `this` first. It is kept small enough
 * (460 bytes of bytecode) for V8 to inline it, and without closures, which would make it allocate a context.
 */
function constructorSource(layout: StructLayout): string {
  const lines: string[] = [
    "class Base extends Nothing {",
    "  constructor(init = none) {",
    "    const s = thread.scope;",
  ];
  lines.push("    if (s === null || !s.open) return env.constructOutside(Base, new.target, init);");
  lines.push("    if (s.heap !== heap || new.target !== target || init === null) prepare(s, new.target, init);");
  if (onlyRefs(layout)) {
    const args = [0, 1].map((n) => (n < layout.fields.length ? `a${n}` : "0"));
    layout.fields.forEach((field, n) =>
      lines.push(`    const v${n} = init[${JSON.stringify(field.name)}], a${n} = ${referenceSource(`v${n}`, n)};`),
    );
    lines.push(`    const r = s.structNewRefs(type, ${args.join(", ")});`);
    lines.push(
      `    return new Handle(r > 0 && r < ${L.ERROR_LIMIT} ? env.createRefs(s, type, ${args.join(", ")}) : r, s);`,
    );
  } else {
    layout.fields.forEach((field, n) => lines.push(`    let v${n} = init[${JSON.stringify(field.name)}];`));
    lines.push(...scratchSource(layout));
    lines.push("    const r = s.x.structNew(type);");
    lines.push(`    return new Handle(r > 0 && r < ${L.ERROR_LIMIT} ? env.create(s, type) : r, s);`);
  }
  lines.push("  }", "}");
  return lines.join("\n");
}

const onlyRefs = (layout: StructLayout) =>
  layout.fields.length <= 2 && layout.fields.every((field) => field.kind === "ref");

/** Checks all fields, then writes the body to scratch: nothing runs between the two that could use scratch itself. */
function scratchSource(layout: StructLayout): string[] {
  const lines: string[] = [];
  layout.fields.forEach((field, n) => {
    const v = `v${n}`;
    if (field.kind === "f64")
      lines.push(`  if (${v} === undefined) ${v} = 0; else if (typeof ${v} !== "number") env.typeError(${n}, ${v});`);
    else if (field.kind === "i32")
      lines.push(
        `  if (${v} === undefined) ${v} = 0; else if (typeof ${v} !== "number" || ${v} !== (${v} | 0)) env.typeError(${n}, ${v});`,
      );
    else if (field.kind === "u32")
      lines.push(
        `  if (${v} === undefined) ${v} = 0; else if (typeof ${v} !== "number" || ${v} !== ${v} >>> 0) env.typeError(${n}, ${v});`,
      );
    else if (field.kind === "bool")
      lines.push(
        `  if (${v} === undefined) ${v} = false; else if (typeof ${v} !== "boolean") env.typeError(${n}, ${v});`,
      );
    else if (field.kind === "str")
      lines.push(`  ${v} = ${v} === undefined || ${v} === "" ? 0 : env.textIn(${v}, s, ${n});`);
    else lines.push(`  ${v} = ${referenceSource(v, n)};`);
  });
  lines.push("  const { kernel } = s.heap, at = kernel.scratch >>> 2, i32 = kernel.i32;");
  layout.fields.forEach((field, n) => {
    if (field.kind === "f64") lines.push(`  kernel.f64[(kernel.scratch + ${field.offset}) >>> 3] = v${n};`);
    else lines.push(`  i32[at + ${field.offset >>> 2}] = ${field.kind === "bool" ? `v${n} ? 1 : 0` : `v${n}`};`);
  });
  return lines;
}

function accessorSource(field: FieldLayout, n: number): string {
  const at = field.offset;
  const key = JSON.stringify(field.name);
  const get: Record<FieldLayout["kind"], string> = {
    f64: `return s.x.f64Load(w[A], ${at});`,
    i32: `return s.x.i32Load(w[A], ${at});`,
    u32: `return s.x.i32Load(w[A], ${at}) >>> 0;`,
    bool: `return s.x.i32Load(w[A], ${at}) !== 0;`,
    str: `let r = s.refLoad(w[A], ${at}); if (r > 0 && r < ${L.ERROR_LIMIT}) r = env.loadAgain(s, w[A], ${n}); return r === 0 ? "" : s.heap.strings.read(r);`,
    ref: `let r = s.refLoad(w[A], ${at}); if (r === 0) return null; if (r > 0 && r < ${L.ERROR_LIMIT}) r = env.loadAgain(s, w[A], ${n}); if (W${n} === null) resolve${n}(); const o = thread.scope; return new W${n}(r, o === s || o.heap === s.heap ? o : innermost(s.heap));`,
  };
  const set: Record<FieldLayout["kind"], string> = {
    f64: `if (typeof v !== "number") env.typeError(${n}, v); const r = s.x.f64Store(w[A], ${at}, v);`,
    i32: `if (typeof v !== "number" || v !== (v | 0)) env.typeError(${n}, v); const r = s.x.i32Store(w[A], ${at}, v);`,
    u32: `if (typeof v !== "number" || v !== v >>> 0) env.typeError(${n}, v); const r = s.x.i32Store(w[A], ${at}, v);`,
    bool: `if (typeof v !== "boolean") env.typeError(${n}, v); const r = s.x.i32Store(w[A], ${at}, v ? 1 : 0);`,
    str: `const a = v === "" ? 0 : env.textIn(v, s, ${n}); let r = s.x.refStore(w[A], ${at}, a); if (r !== 0) r = env.storeAgain(s, w[A], ${n}, a);`,
    ref: `const a = ${referenceSource("v", n)}; let r = s.x.refStore(w[A], ${at}, a); if (r !== 0) r = env.storeAgain(s, w[A], ${n}, a);`,
  };
  return [
    `const get${n} = (w) => { const s = w[S]; ${get[field.kind]} };`,
    `const set${n} = (w, v) => { const s = w[S]; ${set[field.kind]} if (r !== 0) env.fail(s, r, ${n}); };`,
    `Object.defineProperty(Base.prototype, ${key}, { configurable: true, enumerable: true,`,
    `  get() { const w = this, s = w[S]; if (!s.open) return slow(w, get${n}); ${get[field.kind]} },`,
    `  set(v) { const w = this, s = w[S]; if (!s.open) return slow(w, (o) => set${n}(o, v)); ${set[field.kind]} if (r !== 0) env.fail(s, r, ${n}); } });`,
  ].join("\n");
}

function environment(layout: StructLayout): Environment {
  const fieldName = (n: number) => (layout.fields[n] as FieldLayout).name;
  return {
    A: ADDRESS,
    S: SCOPE,
    KIND,
    thread,
    innermost,
    slow,
    token: (n) => targetOf(layout, layout.fields[n] as FieldLayout),
    addressIn(value, token, scope, n) {
      if (!isWrapper(value) || value[KIND] !== token)
        throw new FieldTypeError(layout.name, fieldName(n), `a ${token.name} or null`, value);
      const address = addressOf(value);
      if (value[SCOPE].x !== scope.x)
        throw new ForeignObjectError(`The ${nameOf(value)} for ${layout.name}.${fieldName(n)}`);
      return address;
    },
    textIn(value, scope, n) {
      if (typeof value !== "string") throw new FieldTypeError(layout.name, fieldName(n), expected.str, value);
      return scope.heap.strings.address(value);
    },
    typeError(n, value) {
      throw new FieldTypeError(layout.name, fieldName(n), expected[(layout.fields[n] as FieldLayout).kind], value);
    },
    fail(scope, code, n) {
      return scope.heap.fail(`${layout.name}.${fieldName(n)}`, code);
    },
    // Memory was out: reclaims first. Codes are made negative, for an address can be any number but -15 to 15.
    loadAgain(scope, address, n) {
      const { name, offset } = layout.fields[n] as FieldLayout;
      return scope.heap.retryStatus(`${layout.name}.${name}`, () => {
        const r = scope.x.refLoad(address, offset);
        return r > 0 && r < L.ERROR_LIMIT ? -r : r;
      });
    },
    storeAgain(scope, address, n, value) {
      const { name, offset } = layout.fields[n] as FieldLayout;
      return scope.heap.retryStatus(`${layout.name}.${name}`, () => 0 - scope.x.refStore(address, offset, value));
    },
    create: (scope, type) => scope.heap.retry(`new ${layout.name}`, () => scope.x.structNew(type)),
    createRefs: (scope, type, a, b) => scope.heap.retry(`new ${layout.name}`, () => scope.x.structNewRefs(type, a, b)),
    prepare(heap, target, init) {
      tokenOf(target);
      checkInitial(layout, init);
      return heap.typeId(layout);
    },
    handle(target) {
      const { wrap } = layout.token;
      const isItsClass =
        wrap.prototype === target.prototype || Object.getPrototypeOf(wrap.prototype) === target.prototype;
      return isItsClass ? wrap : makeWrap(target.prototype);
    },
    // Only the struct's part: the constructor of the class that extends it is running.
    constructOutside(base, target, init) {
      checkInitial(layout, init);
      const root = thread.scope;
      if (!root) throw new NoRuntimeError(`new ${layout.name}`);
      return root.heap.batch(() => Reflect.construct(base, [init], target) as Wrapper);
    },
  };
}
