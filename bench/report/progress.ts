// Shows that something is happening: a bar where a person watches, plain lines where a file does.
import { Presets, SingleBar } from "cli-progress";
import { onInterrupt } from "./exit.js";

export interface Progress {
  /** `share` is how far the whole work is, 0..1. */
  at(share: number, what: string): void;
  end(): void;
}

export function progress(stream: NodeJS.WriteStream = process.stderr): Progress {
  return stream.isTTY ? bar(stream) : lines(stream);
}

function bar(stream: NodeJS.WriteStream): Progress {
  const single = new SingleBar(
    { stream, format: "{bar} {percentage} %  {what}", hideCursor: true, clearOnComplete: true, barsize: 24 },
    Presets.shades_classic,
  );
  single.start(100, 0, { what: "" });
  const forget = onInterrupt(() => single.stop());
  return {
    at(share, what) {
      single.update(Math.round(share * 100), { what });
    },
    end() {
      forget();
      single.stop();
    },
  };
}

function lines(stream: NodeJS.WritableStream): Progress {
  let last = "";
  return {
    at(share, what) {
      if (what !== last) stream.write(`${String(Math.round(share * 100)).padStart(3)} %  ${what}\n`);
      last = what;
    },
    end() {},
  };
}
