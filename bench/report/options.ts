// Readers for options that every command has in common. A bad value is a usage error that says what would be good.
import { Command, InvalidArgumentError } from "commander";

/** A command that throws instead of ending the process: exit codes are given in one place, exit.ts. */
export function command(name: string): Command {
  return new Command(name).exitOverride().showHelpAfterError("Try --help.").allowExcessArguments(false);
}

export function whole(low: number, high: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= low && value <= high) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${low} to ${high}.`);
  };
}

export function positive(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError("It must be a number above 0.");
}

/** A list with commas, each word of it one of `known`; given in the order of `known`. */
export function subset(known: readonly string[]): (text: string) => string[] {
  return (text) => {
    const wanted = text.split(",").filter((word) => word !== "");
    const stranger = wanted.find((word) => !known.includes(word));
    if (stranger !== undefined)
      throw new InvalidArgumentError(`There is no "${stranger}"; there is ${known.join(", ")}.`);
    if (wanted.length === 0) throw new InvalidArgumentError(`Name at least one of ${known.join(", ")}.`);
    return known.filter((word) => wanted.includes(word));
  };
}

export function oneOf<T extends string>(...known: T[]): (text: string) => T {
  return (text) => {
    if ((known as string[]).includes(text)) return text as T;
    throw new InvalidArgumentError(`It must be ${known.join(" or ")}.`);
  };
}

/** A reader for an argument that may be given several times, each one of `known`. */
export function word(known: readonly string[]): (text: string, before: string[] | undefined) => string[] {
  return (text, before) => [...(before ?? []), ...subset(known)(text)];
}
