import { defineConfig } from "vitest/config";

/** Tests that mount, gate, boot or kill: one file after another, with the machine to themselves. */
const alone = ["agent", "disguises", "e2e", "enforce", "gate", "installers", "observe", "platform", "session"].map(
  (folder) => `test/${folder}/**/*.test.ts`,
);

export default defineConfig({
  test: {
    globalSetup: ["test/debian.ts"],
    reporters: ["default", "./test/reporter.ts"],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // A machine that is busy is no failure: what is waited for has the time of a test.
    expect: { poll: { timeout: 50_000 } },
    projects: [
      {
        extends: true,
        test: { name: "alone", include: alone, maxWorkers: 1, sequence: { groupOrder: 0 } },
      },
      {
        extends: true,
        test: {
          name: "together",
          include: ["test/**/*.test.ts"],
          exclude: alone,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
