import { defineConfig } from "vitest/config";

/** `npm run test:real`: real packages from the registries, and no part of the suite. One after the other: they are large. */
export default defineConfig({
  test: {
    include: ["test/real/**/*.real.ts"],
    globalSetup: ["test/debian.ts"],
    reporters: ["default", "./test/reporter.ts"],
    fileParallelism: false,
    testTimeout: 900_000,
    hookTimeout: 900_000,
  },
});
