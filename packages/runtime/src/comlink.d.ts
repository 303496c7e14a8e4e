/** What we use of comlink; its package has no `exports`, so the ES modules are imported by file. */
declare module "comlink/dist/esm/comlink.mjs" {
  export interface Endpoint {
    postMessage(message: unknown, transfer?: unknown[]): void;
    addEventListener(type: string, listener: unknown, options?: object): void;
    removeEventListener(type: string, listener: unknown, options?: object): void;
    start?(): void;
  }
  export const releaseProxy: unique symbol;
  export type Remote<T> = {
    [K in keyof T]: T[K] extends (...args: infer A) => infer R ? (...args: A) => Promise<Awaited<R>> : never;
  } & { [releaseProxy](): void };
  export function wrap<T>(endpoint: Endpoint): Remote<T>;
  export function expose(api: object, endpoint: Endpoint): void;
}
declare module "comlink/dist/esm/node-adapter.mjs" {
  import type { MessagePort } from "node:worker_threads";
  import type { Endpoint } from "comlink/dist/esm/comlink.mjs";
  export default function nodeEndpoint(port: MessagePort): Endpoint;
}
