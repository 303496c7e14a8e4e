// What a command does that has only commands of its own.

import type { Command } from "commander";

/** After its commands have been made, for they would accept as much. Its help, or, if it was given a name, that there is no such command. */
export function helpOnly(command: Command): void {
  command.allowExcessArguments().action(() => {
    const [name] = command.args;
    if (name === undefined) command.help();
    const names = command.commands.map((known) => known.name()).join(", ");
    command.error(`error: there is no command "${name}": there are ${names}`);
  });
}
