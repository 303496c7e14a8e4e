// node scripts/totals.mjs REPORT: prints the totals of a vitest JSON report, alone on a line. Exit code 1 if a test
// failed, none ran, or there is no report.
import { totals } from "./lib/vitest.mjs";

const sum = totals(process.argv[2]);
if (sum === null) {
  console.error("no test report: the tests did not run to their end");
  process.exitCode = 1;
} else {
  console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`);
  if (sum.failed > 0 || sum.passed === 0) process.exitCode = 1;
}
