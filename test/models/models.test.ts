// The concurrent protocols, checked exhaustively with Spin for two threads; and each model with a plausible mistake in it,
// which it must find: else it would prove nothing.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { root } from "../architecture/repository.js";
import { check, missing, models } from "./models.js";

const SECONDS = 60;
const absent = missing();

describe.each(models())("$name", ({ name, variants, sources }) => {
  it("names the source of its steps, and the variants that it must tell apart", () => {
    expect(variants.some(({ flags, fails }) => flags === "" && !fails)).toBe(true);
    expect(variants.some(({ fails }) => fails)).toBe(true);
    expect(sources.length).toBeGreaterThan(0);
    for (const { file, symbols } of sources) {
      const text = readFileSync(join(root, file), "utf8");
      const defined = symbols.filter((symbol) => new RegExp(`\\bfunction ${symbol}\\(`).test(text));
      expect(defined, file).toEqual(symbols);
    }
  });

  describe.skipIf(absent !== null)(absent ?? "checked", () => {
    it.concurrent.each(variants.map((variant) => ({ title: variant.flags || "the protocol", ...variant })))(
      "$title: fails is $fails",
      async ({ flags, fails, why }) => {
        const { errors, complete, output } = await check(name, flags, SECONDS);
        expect(errors > 0, `${why}\n${output}`).toBe(fails);
        if (!fails) expect(complete, output).toBe(true);
      },
      SECONDS * 1000,
    );
  });
});
