import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { audited, homeOf, known, needs, run, saidOf, type Thing } from "./installers.ts";

const cargo = "/usr/bin/cargo";
const goose: Thing = { kind: "package", ecosystem: "cargo", id: "goose-cli", version: "1.9.0" };

/** A crate with one program. */
function crate(folder: string): string {
  mkdirSync(join(folder, "src/bin"), { recursive: true });
  writeFileSync(join(folder, "Cargo.toml"), '[package]\nname = "goose-cli"\nversion = "1.9.0"\nedition = "2021"\n');
  writeFileSync(join(folder, "src/bin/goose.rs"), 'fn main() { println!("1.9.0"); }\n');
  return folder;
}

/** A home whose cargo has the registry's crates in a folder, as `cargo vendor` lays them: what is installed is the registry's still. */
function homeWithCrates(name: string): string {
  const home = homeOf(name);
  const crates = join(home, "vendor");
  const folder = crate(join(crates, "goose-cli"));
  writeFileSync(join(folder, ".cargo-checksum.json"), JSON.stringify({ files: {}, package: null }));
  mkdirSync(join(home, ".cargo"));
  const config = `[source.crates-io]\nreplace-with = "here"\n[source.here]\ndirectory = ${JSON.stringify(crates)}\n`;
  writeFileSync(join(home, ".cargo/config.toml"), config);
  return home;
}

test("what cargo installs is its crate's, in a person's .cargo", async (context) => {
  needs(context, ["cargo"], [cargo]);
  const home = homeWithCrates("cargo");
  run(home, [cargo, "install", "--offline", "goose-cli"]);
  expect(await saidOf(goose, home, join(home, ".cargo/bin/goose"))).toEqual(known(goose));
});

test("what cargo installs under another root is its crate's too", async (context) => {
  needs(context, ["cargo"], [cargo]);
  const home = homeWithCrates("cargo-root");
  const root = join(home, ".local");
  run(home, [cargo, "install", "--offline", "--root", root, "goose-cli"]);
  expect(await saidOf(goose, home, join(root, "bin/goose"))).toEqual(known(goose));
});

test("what cargo builds from a folder has the name that its writer liked, and is nobody's", async (context) => {
  needs(context, ["cargo"], [cargo]);
  const home = homeOf("cargo-path");
  run(home, [cargo, "install", "--offline", "--path", crate(join(home, "mine"))]);
  const said = await saidOf(goose, home, join(home, ".cargo/bin/goose"));
  expect(said).toEqual({ audit: [], roots: false, start: "allow" });
});

test("what cargo has uninstalled is found no longer", async (context) => {
  needs(context, ["cargo"], [cargo]);
  const home = homeWithCrates("cargo-uninstalled");
  run(home, [cargo, "install", "--offline", "goose-cli"]);
  run(home, [cargo, "uninstall", "goose-cli"]);
  expect(await audited(goose, home)).toEqual([]);
});
