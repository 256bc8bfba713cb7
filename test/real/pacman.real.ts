import { chownSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { audited, homeOf, needs, run, where, type Thing } from "./installers.ts";

const debs = ["pacman-package-manager", "makepkg", "libarchive-tools", "bubblewrap"];
const things: readonly Thing[] = [
  { kind: "package", ecosystem: "pacman", id: "cursor-bin", version: "1.7.2-1" },
  { kind: "package", ecosystem: "aur", id: "cursor-bin", version: "1.7.2-1" },
];

const build = `pkgname=cursor-bin
pkgver=1.7.2
pkgrel=1
arch=(any)
package() {
  mkdir -p "$pkgdir/opt/cursor"
  echo '#!/bin/sh' > "$pkgdir/opt/cursor/cursor"
  chmod 755 "$pkgdir/opt/cursor/cursor"
}
`;

test("what makepkg has built and pacman installs is its, and the AUR's", async (context) => {
  needs(context, debs, ["/usr/bin/pacman", "/usr/bin/makepkg", "/usr/bin/bsdtar", "/usr/bin/bwrap"]);
  const home = homeOf("pacman");
  const [made, opt, database] = [join(home, "made"), join(home, "opt"), join(home, "database")];
  for (const folder of [made, opt, database]) mkdirSync(folder);
  writeFileSync(join(made, "PKGBUILD"), build);
  chownSync(made, 65_534, 65_534); // makepkg does not run as root
  const nobody = ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
  run(home, [...nobody, "/usr/bin/makepkg"], { cwd: made, env: { HOME: made, PKGEXT: ".pkg.tar.gz" } });
  const file = readdirSync(made).find((name) => name.endsWith(".pkg.tar.gz")) ?? "";
  writeFileSync(join(home, "pacman.conf"), "[options]\nArchitecture = auto\nSigLevel = Never\n");
  const here = where({ "/opt": opt, "/var/lib/pacman": database }, ["/var/lib"]);
  const pacman = [...here, "/usr/bin/pacman", "--config", join(home, "pacman.conf"), "--noconfirm"];
  run(home, [...pacman, "--upgrade", join(made, file)]);
  for (const thing of things) expect(await audited(thing, "/opt", here)).toEqual(["proof 1.7.2-1"]);
});
