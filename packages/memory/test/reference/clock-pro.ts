// CLOCK-Pro on an array that stands for the circle. The head of the list is the place before the page at the hot hand.
import type { Reference, Settings } from "./simple.js";

interface Entry {
  page: number;
  kind: "hot" | "cold" | "gone";
  bit: boolean;
  test: boolean;
}

export function clockPro(m: number, { cold }: Settings): Reference {
  let ring: Entry[] = [];
  const hands: Record<"hot" | "cold" | "test", Entry | undefined> = {
    hot: undefined,
    cold: undefined,
    test: undefined,
  };
  const least = Math.max(1, Math.min(m, Math.floor(m * (cold as number))));
  const most = Math.max(least, m - least);
  let target = least;
  let full = false;

  const number = (kind: Entry["kind"]) => ring.filter((entry) => entry.kind === kind).length;
  const aim = (step: number) => {
    target = Math.min(most, Math.max(least, target + step));
  };
  const after = (entry: Entry) => ring[(ring.indexOf(entry) + 1) % ring.length]!;
  const takeOut = (entry: Entry) => {
    for (const hand of ["hot", "cold", "test"] as const) {
      if (hands[hand] === entry) hands[hand] = ring.length === 1 ? undefined : after(entry);
    }
    ring = ring.filter((other) => other !== entry);
  };
  const putAtHead = (entry: Entry) => {
    if (hands.hot === undefined) {
      ring = [entry];
      hands.hot = hands.cold = hands.test = entry;
    } else ring.splice(ring.indexOf(hands.hot), 0, entry);
  };
  const endTest = (entry: Entry) => {
    if (!entry.test) return;
    entry.test = false;
    aim(entry.bit ? 1 : -1);
    if (entry.kind === "gone") takeOut(entry);
  };
  const runHot = () => {
    while (number("hot") > m - target) {
      const entry = hands.hot!;
      hands.hot = after(entry);
      if (entry.kind !== "hot") endTest(entry);
      else if (entry.bit) entry.bit = false;
      else entry.kind = "cold";
    }
  };
  const runCold = () => {
    for (;;) {
      while (hands.cold!.kind !== "cold") hands.cold = after(hands.cold!);
      const entry = hands.cold!;
      hands.cold = after(entry);
      if (!entry.bit) {
        if (!entry.test) takeOut(entry);
        else entry.kind = "gone";
        while (number("gone") > m) {
          const passed = hands.test!;
          hands.test = after(passed);
          if (passed.kind !== "hot") endTest(passed);
        }
        return;
      }
      entry.bit = false;
      takeOut(entry);
      if (entry.test) {
        entry.test = false;
        entry.kind = "hot";
        aim(1);
      } else entry.test = true;
      putAtHead(entry);
      runHot();
    }
  };
  return (page) => {
    const found = ring.find((entry) => entry.page === page);
    if (found && found.kind !== "gone") {
      found.bit = true;
      return true;
    }
    if (found) {
      aim(1);
      takeOut(found);
    }
    if (number("hot") + number("cold") === m) {
      full = true;
      runCold();
    }
    const hot = found !== undefined || (!full && number("hot") < m - target);
    putAtHead({ page, kind: hot ? "hot" : "cold", bit: false, test: !hot });
    runHot();
    return false;
  };
}
