/** What every class of shared objects has beside its own methods. */
import { inspect } from "node:util";
import { type Contents, printer } from "./inspect.js";
import { jsonMethod } from "./json.js";
import { type ClassToken, KIND, release, type Wrapper } from "./shared.js";

/** Gives a class's prototype what every wrapper has. `contents`: what is printed, and written as JSON. */
export function defineShared(prototype: object, token: ClassToken, contents: Contents): void {
  const method = (value: unknown) => ({ value, configurable: true, writable: true });
  Object.defineProperties(prototype, {
    [KIND]: { value: token },
    [Symbol.dispose]: method(function (this: Wrapper) {
      release(this);
    }),
    [inspect.custom]: method(printer(token, contents)),
    toJSON: method(jsonMethod(contents)),
  });
}
