import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  cpSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";

export interface DebInput {
  readonly root: string;
  readonly version: string;
  /** Seconds since 1970 that every file in the package carries (reproducible-builds.org, SOURCE_DATE_EPOCH). */
  readonly epoch: number;
  /** Puts app/, policies/ and node_modules/ into a folder. */
  readonly bundle: (into: string) => void;
  /** File name, such as "edict.1", to its text. */
  readonly manPages: Readonly<Record<string, string>>;
  readonly thirdParty: string;
  /** Where the finished package goes. */
  readonly folder: string;
}

const architectures: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64" };
const maintainer = "Edict maintainers <security@edict.example>";

/** The Node that is tested is the Node that is shipped; its libraries as dpkg-shlibdeps(1) finds them in 26.10.0. */
const depends = "libatomic1 (>= 4.8), libc6 (>= 2.34), libgcc-s1 (>= 4.2), libstdc++6 (>= 10.2), procps";

/** Builds edict_<version>_<architecture>.deb and gives its path. The same sources give the same bytes. */
export function buildDeb(input: DebInput): string {
  const architecture = architectures[process.arch];
  if (architecture === undefined) throw new Error(`no Debian package for ${process.arch}`);
  const tree = join(input.folder, "deb");
  rmSync(tree, { recursive: true, force: true });
  program(input, tree);
  system(input, tree);
  documents(input, tree);
  control(input, tree, architecture);
  settle(tree, input.epoch);
  const file = join(input.folder, `edict_${input.version}_${architecture}.deb`);
  execFileSync("/usr/bin/dpkg-deb", ["--root-owner-group", "-Zzstd", "--build", tree, file], {
    stdio: ["ignore", "ignore", "inherit"],
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", SOURCE_DATE_EPOCH: String(input.epoch) },
  });
  rmSync(tree, { recursive: true });
  return file;
}

function program({ root, bundle }: DebInput, tree: string): void {
  const home = join(tree, "usr/lib/edict");
  mkdirSync(home, { recursive: true });
  bundle(home);
  copyFileSync(join(root, `node_modules/node-linux-${process.arch}/bin/node`), join(home, "node"));
  const launcher = readFileSync(join(root, "installers/linux/launcher.sh"), "utf8");
  for (const [name, entry] of [
    ["edict", "cli/main.mjs"],
    ["edict-server", "server/main.mjs"],
  ] as const)
    put(join(tree, "usr/bin", name), launcher.replace("@entry@", entry));
}

function system({ root }: DebInput, tree: string): void {
  for (const unit of ["edict.service", "edict.path", "edict-server.service"])
    put(join(tree, "lib/systemd/system", unit), readFileSync(join(root, "installers/linux", unit)));
  // The server is for one machine, not for every workstation that is set up with its units' defaults.
  put(join(tree, "lib/systemd/system-preset/60-edict.preset"), "disable edict-server.service\n");
  mkdirSync(join(tree, "etc/edict"), { recursive: true });
}

function documents({ root, version, epoch, manPages, thirdParty }: DebInput, tree: string): void {
  const folder = join(tree, "usr/share/doc/edict");
  put(join(folder, "copyright"), readFileSync(join(root, "installers/linux/debian/copyright")));
  put(join(folder, "third-party.txt"), thirdParty);
  put(join(folder, "node-licence.txt"), readFileSync(join(root, `node_modules/node-linux-${process.arch}/LICENSE`)));
  put(join(folder, "SECURITY.md"), readFileSync(join(root, "SECURITY.md")));
  put(join(folder, "install-linux.md"), readFileSync(join(root, "docs/install-linux.md")));
  put(join(folder, "changelog.gz"), zip(changelog(version, epoch)));
  put(join(folder, "NEWS.md.gz"), zip(readFileSync(join(root, "CHANGELOG.md"))));
  symlinkSync("../../../lib/edict/policies/examples", join(folder, "examples"));
  for (const [name, roff] of Object.entries(manPages))
    put(join(tree, `usr/share/man/man${name.at(-1) ?? ""}`, `${name}.gz`), zip(roff));
  const overrides = join(tree, "usr/share/lintian/overrides/edict");
  put(overrides, readFileSync(join(root, "installers/linux/debian/lintian-overrides")));
}

function control({ root, version }: DebInput, tree: string, architecture: string): void {
  const files = filesIn(tree);
  const kib = files.reduce((sum, file) => sum + Math.ceil(lstatSync(join(tree, file)).size / 1024), 0);
  const fields = {
    Package: "edict",
    Version: version,
    Architecture: architecture,
    Maintainer: maintainer,
    "Installed-Size": String(kib),
    Depends: depends,
    Section: "admin",
    Priority: "optional",
    Description: [
      "signed software bans for workstations, enforced and explained",
      " An organisation signs one list of software that may not be used. The agent",
      " recognises a banned tool under any name, stops it, tells the person why and",
      " what to use instead, and reports to the server, which is also in here.",
    ].join("\n"),
  };
  const text = Object.entries(fields).map(([key, value]) => `${key}: ${value}\n`);
  put(join(tree, "DEBIAN/control"), text.join(""));
  const sums = files
    .filter((file) => lstatSync(join(tree, file)).isFile())
    .map(
      (file) =>
        `${createHash("md5")
          .update(readFileSync(join(tree, file)))
          .digest("hex")}  ${file}\n`,
    );
  put(join(tree, "DEBIAN/md5sums"), sums.join(""));
  for (const script of ["postinst", "prerm", "postrm"])
    cpSync(join(root, "installers/linux/debian", script), join(tree, "DEBIAN", script));
}

/** The form of deb-changelog(5); the words themselves are in CHANGELOG.md. */
function changelog(version: string, epoch: number): string {
  const date = new Date(epoch * 1000).toUTCString().replace("GMT", "+0000");
  return `edict (${version}) unstable; urgency=medium\n\n  * See NEWS.md.gz.\n\n -- ${maintainer}  ${date}\n`;
}

/** Everybody may read and only root may write, whatever the builder's umask was; one time for all. */
function settle(tree: string, epoch: number): void {
  const runs = /^(usr\/bin\/|usr\/lib\/edict\/node$|DEBIAN\/p)/;
  for (const file of entriesIn(tree)) {
    const path = join(tree, file);
    const seen = lstatSync(path);
    if (seen.isDirectory()) chmodSync(path, file === "etc/edict" ? 0o700 : 0o755);
    else if (seen.isFile()) chmodSync(path, runs.test(file) ? 0o755 : 0o644);
    lutimesSync(path, epoch, epoch);
  }
  chmodSync(tree, 0o755);
  lutimesSync(tree, epoch, epoch);
}

function filesIn(tree: string): readonly string[] {
  return entriesIn(tree).filter((file) => !lstatSync(join(tree, file)).isDirectory());
}

/** Every path below, in order; a link is an entry, never a way. */
function entriesIn(tree: string, folder = ""): readonly string[] {
  const here = readdirSync(join(tree, folder), { withFileTypes: true }).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return here.flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? [path, ...entriesIn(tree, path)] : [path];
  });
}

function put(path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

/** gzip -9n: no name and no time inside. */
function zip(content: string | Uint8Array): Uint8Array {
  return gzipSync(content, { level: 9 });
}
