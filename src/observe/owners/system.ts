import { apk } from "#observe/owners/apk.ts";
import { pathOf } from "#observe/owners/dpkg.ts";
import { PackageDatabase } from "#observe/owners/package-database.ts";
import { pacman } from "#observe/owners/pacman.ts";
import { rpm } from "#observe/owners/rpm.ts";

/** Where package managers other than dpkg keep what they have installed (rpm moved, ostree systems have it elsewhere still, and Debian's rpm in root's home). */
const sources = [
  { open: rpm, folder: "/usr/lib/sysimage/rpm" },
  { open: rpm, folder: "/var/lib/rpm" },
  { open: rpm, folder: "/usr/share/rpm" },
  { open: rpm, folder: "/root/.rpmdb" },
  { open: apk, folder: "/lib/apk/db" },
  { open: apk, folder: "/usr/lib/apk/db" },
  { open: pacman, folder: "/var/lib/pacman/local" },
] as const;

/** The databases of this machine's package managers besides dpkg's; most of them are not there. */
export function systemDatabases(believed?: number): readonly PackageDatabase[] {
  return sources.map(({ open, folder }) => new PackageDatabase(open(pathOf(folder)), believed));
}
