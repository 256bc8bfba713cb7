import { expect, test } from "vitest";
import { parseReceipt } from "#observe/readers/brew.ts";
import { hostile } from "./seam.ts";

const bytes = (json: unknown): Buffer => Buffer.from(JSON.stringify(json, null, 2));
const built = { used_options: [], built_as_bottle: true, poured_from_bottle: true, time: 1_728_652_115, stdlib: null };
const stable = { spec: "stable", versions: { stable: "1.2.3", head: null, version_scheme: 0 } };
const formula = (tap: string | null) => ({ tap, tap_git_head: null, path: "/opt/x.rb", ...stable });

/** A receipt in the form of each of Homebrew's times, as they lie about in kegs, and the tap that Homebrew takes from it. */
const receipts: readonly (readonly [when: string, receipt: unknown, tap: string | undefined])[] = [
  ["2014", { ...built, tapped_from: "nonchalant/appicon" }, "nonchalant/appicon"],
  ["2014, its own", { ...built, tapped_from: "mxcl/master" }, "homebrew/core"],
  ["2014, from a file", { ...built, tapped_from: "path or URL" }, undefined],
  ["2015, its own", { ...built, source: { path: "/usr/local/x.rb", tap: "Homebrew/homebrew" } }, "homebrew/core"],
  ["2015, by its repository", { ...built, source: { tap: "websharks/homebrew-formulas" } }, "websharks/formulas"],
  ["2016", { ...built, source: { tap: "homebrew/core", spec: "stable" } }, "homebrew/core"],
  ["2019", { homebrew_version: "2.1.10", ...built, source: formula("koekeishiya/formulae") }, "koekeishiya/formulae"],
  ["2019, on Linux", { homebrew_version: "2.1.10", ...built, source: formula("linuxbrew/core") }, "homebrew/core"],
  ["2024", { homebrew_version: "4.4.0-99-g6975eaa", ...built, source: formula("homebrew/core") }, "homebrew/core"],
  ["2025", { homebrew_version: "5.0.11", ...built, arch: "arm64", source: formula("Steipete/tap") }, "steipete/tap"],
  ["2025, from a file", { homebrew_version: "5.0.11", ...built, source: formula(null) }, undefined],
  [
    "2026, a cask",
    {
      homebrew_version: "6.0.22",
      uninstall_flight_blocks: false,
      runtime_dependencies: {},
      source: { tap: "homebrew/cask", version: "1.1.3" },
      uninstall_artifacts: [{ app: ["A.app"] }],
    },
    "homebrew/cask",
  ],
  ["by another program", { homebrew_version: null, ...built, source: formula("homebrew/core") }, "homebrew/core"],
];

test.each(receipts)("a receipt of %s names its tap", (_, receipt, tap) => {
  expect(parseReceipt(bytes(receipt))).toBe(tap);
});

test("what is no receipt names none, however it is spoilt", () => {
  for (const none of [
    {},
    [],
    null,
    { source: "homebrew/core" },
    { source: { tap: "a/b/c" } },
    { source: { tap: "a b/c" } },
  ])
    expect(parseReceipt(bytes(none))).toBeUndefined();
  expect(hostile(bytes(receipts[9]?.[1]), parseReceipt, 1000)).toBeGreaterThan(1000);
});
