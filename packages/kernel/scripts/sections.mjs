// Reads the section list of a WebAssembly module: just enough to tell what a build must not contain.

const NAMES = [
  "custom",
  "type",
  "import",
  "function",
  "table",
  "memory",
  "global",
  "export",
  "start",
  "element",
  "code",
  "data",
  "datacount",
  "tag",
];

/** Every section of a module in file order, with the number of its entries where the section is a list. */
export function sections(bytes) {
  const magic = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
  if (magic.some((byte, index) => bytes[index] !== byte)) throw new Error("not a WebAssembly module");
  let at = magic.length;
  const unsigned = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      if (byte === undefined) throw new Error("the module ends in the middle of a number");
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  const list = [];
  while (at < bytes.length) {
    const id = bytes[at++];
    const size = unsigned();
    const end = at + size;
    if (end > bytes.length) throw new Error(`section ${id} is longer than the module`);
    list.push({ id, name: NAMES[id] ?? `section ${id}`, size, entries: id === 0 || id === 8 ? undefined : unsigned() });
    at = end;
  }
  return list;
}

/** Data segments in the module. Each instance would write an active one again, over memory that other threads use. */
export function dataSegments(bytes) {
  return sections(bytes).find((section) => section.name === "data")?.entries ?? 0;
}
