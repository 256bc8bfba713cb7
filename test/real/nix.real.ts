import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { audited, homeOf, known, needs, run, saidOf, where, type Thing } from "./installers.ts";

const goose: Thing = { kind: "package", ecosystem: "nix", id: "goose-cli", version: "1.9.0" };
const debs = ["nix-bin", "bubblewrap"];

/** A derivation of ours, built by this machine's shell. */
const expression = `derivation {
  name = "goose-cli-1.9.0";
  system = builtins.currentSystem;
  builder = "/bin/sh";
  args = [ "-c" "/bin/mkdir -p $out/bin; echo '#!/bin/sh' > $out/bin/goose; /bin/chmod +x $out/bin/goose" ];
}`;

function derivation(home: string): string {
  const file = join(home, "goose.nix");
  writeFileSync(file, expression);
  return file;
}

test("what Nix installs for somebody lies in the machine's store", async (context) => {
  needs(context, debs, ["/usr/bin/nix-env", "/usr/bin/bwrap"]);
  const home = homeOf("nix");
  const nix = join(home, "nix");
  mkdirSync(nix);
  const env = { NIX_CONFIG: "sandbox = false\nbuild-users-group =\nsubstituters =" };
  const here = where({ "/nix": nix });
  run(home, [...here, "/usr/bin/nix-env", "--file", derivation(home), "--install"], { env });
  expect(await audited(goose, "/nix", here)).toEqual(["proof 1.9.0"]);
});

test("what Nix builds into a store of a person's own is found there", async (context) => {
  needs(context, debs, ["/usr/bin/nix-build"]);
  const home = homeOf("nix-own");
  const paths = "sandbox-paths = /bin=/usr/bin /usr /lib=/usr/lib /lib64=/usr/lib64";
  const env = { NIX_CONFIG: `build-users-group =\nsubstituters =\n${paths}` };
  const store = join(home, ".local/share/nix/root");
  const built = run(home, ["/usr/bin/nix-build", "--store", store, "--no-out-link", derivation(home)], { env }).trim();
  expect(await saidOf(goose, home, join(store, built, "bin/goose"))).toEqual(known(goose));
});
