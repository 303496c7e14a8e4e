export { NEVER, nextUses, Opt } from "./opt.js";
export { CAPACITY_MAX, NONE, PAGE_MAX, type Pinned, type ReplacementPolicy } from "./policy.js";
export {
  createPolicy,
  POLICIES,
  type PolicyEntry,
  type PolicyOption,
  type PolicyOptions,
  policyEntry,
} from "./registry.js";
