export { type ByteStore, DiskFile, messageOf, readWhole, writeWhole } from "./byte-store.js";
export { SwapFile } from "./swap-file.js";
export { SwapSpace } from "./swap-space.js";
