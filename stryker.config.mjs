// One piece of test/mutation/run.ts, which says what is mutated, by which tests, and where the report goes.
export default {
  testRunner: "vitest",
  vitest: { configFile: "test/mutation/vitest.config.ts", related: false },
  coverageAnalysis: "perTest",
  disableTypeChecks: false,
  concurrency: 2,
  timeoutMS: 10_000,
  timeoutFactor: 2,
  ignorePatterns: ["reports", "artefacts", "dist"],
  reporters: ["clear-text", "json"],
  clearTextReporter: { logTests: false, reportTests: false, allowColor: false },
  jsonReporter: { fileName: process.env.MUTATION_REPORT },
};
