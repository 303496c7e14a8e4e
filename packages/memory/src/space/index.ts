export { AddressSpace, type AddressSpaceOptions, type MemoryAdvice, type ViewOptions } from "./address-space.js";
export type { Advice, Protection, RegionKind } from "./areas.js";
export type { MapOptions, Region } from "./mapping.js";
export type { Scalar, ScalarValue } from "./scalars.js";
export type { Extent } from "./space-state.js";
export type { View } from "./view.js";
