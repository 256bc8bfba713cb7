import { defineConfig } from "vitest/config";

// What is run against each mutant: the tests that run in this process, and none of those that wait for minutes on purpose.
export default defineConfig({
  test: {
    include: ["test/trust/**/*.test.ts", "test/policy/merge*.test.ts"],
    exclude: ["test/trust/{store,disk-full,faults}.test.ts"],
    testTimeout: 30_000,
    expect: { poll: { timeout: 20_000 } },
  },
});
