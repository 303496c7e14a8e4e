import { defineConfig } from "vitest/config";

// Tests run against the built packages. `threads` is not a choice: suites that start workers of their own hang in it.
const report = process.env.UNGIL_TEST_REPORT;

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts", "packages/*/test/**/*.test.ts", "bench/test/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/dist/**", "**/fixtures/**"],
    pool: "forks",
    testTimeout: 30_000,
    hookTimeout: 30_000,
    teardownTimeout: 10_000,
    retry: 0,
    maxConcurrency: 2, // of tests that are programs of one thread (models): as many as the smallest machine has cores
    reporters: report ? ["default", ["json", { outputFile: report }]] : ["default"],
  },
});
