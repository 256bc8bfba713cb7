import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/debian.ts"],
    reporters: ["default", "./test/reporter.ts"],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // A machine that is busy is no failure: what is waited for has the time of a test.
    expect: { poll: { timeout: 50_000 } },
  },
});
