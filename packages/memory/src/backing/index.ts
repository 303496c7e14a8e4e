export { type ByteStore, checkStore, DiskFile, messageOf, readWhole, sizeOf, writeWhole } from "./byte-store.js";
export { SwapFile } from "./swap-file.js";
export { SwapSpace } from "./swap-space.js";
