import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { lacking } from "../needs.ts";
import { audited, homeOf, needs, run, type Thing } from "./installers.ts";

const debs = ["snapd", "squashfs-tools", "squashfuse", "systemd-container"];
const programs = ["/usr/bin/snap", "/usr/bin/squashfuse", "/usr/bin/systemd-nspawn", "/usr/lib/systemd/systemd"];
const repository = join(import.meta.dirname, "../..");

/**
 * Boots this machine's own files in a container, with its snapd and without a network, has it install a snap, and runs a command
 * there: `sh -c … <snap> <folder to be seen> <repository> <command…>`. What is written to its root file system is forgotten.
 */
const booted = `set -eu
snap=$1 seen=$2 repository=$3; shift 3
cd "$(dirname "$snap")"
mkdir -p over root
mount -t tmpfs none over
mkdir over/upper over/work
mount -t overlay overlay -o lowerdir=/,upperdir=over/upper,workdir=over/work root
rm -f root/usr/sbin/policy-rc.d out
units=root/etc/systemd/system
mkdir -p $units/snapd.service.d
printf '[Unit]\\nRequires=basic.target edict.service\\n' > $units/edict.target
printf '[Unit]\\nWants=snapd.socket\\nAfter=basic.target snapd.socket\\n[Service]\\nType=oneshot\\nExecStart=/bin/sh %s\\n' "$PWD/inside" > $units/edict.service
printf '[Service]\\nEnvironment=SNAPPY_FORCE_API_URL=http://127.0.0.1:1/ SNAPPY_TESTING=1\\n' > $units/snapd.service.d/edict.conf
{
  echo "cd '$PWD'; exec 2> err"
  echo "snap wait system seed.loaded >&2; if snap install --dangerous '$snap' >&2; then"
  for word; do printf "'%s' " "$word"; done
  echo "> out; echo \\$? > status; fi; systemctl poweroff"
} > inside
systemd-nspawn --register=no --keep-unit --quiet --directory=root --private-network --link-journal=no --console=pipe \\
  --bind=/dev/fuse --bind="$seen" --bind-ro="$repository" --boot systemd.unit=edict.target < /dev/null > console 2>&1 || true
if ! cat out; then cat err console >&2; exit 1; fi
exit "$(cat status)"`;

const rest = "summary: A test\ndescription: A test\ntype: base\narchitectures: [all]\n";

/** What `snap pack` and snapd take for the same snap. */
const yamls: readonly { readonly how: string; readonly yaml: string; readonly version: string }[] = [
  { how: "as snapcraft writes it", yaml: `name: cursor\nversion: '1.7.2'\n${rest}`, version: "1.7.2" },
  {
    how: "with words of ours",
    yaml: `# Cursor\n${rest}version: '1.7.2' # the last one\nname: cursor # its name\n`,
    version: "1.7.2",
  },
  { how: "with a number for a version", yaml: `name: "cursor"\nversion: 1.10\n${rest}`, version: "1.10" },
  { how: "with its keys in quotes", yaml: `---\n"name": cursor\n'version': "1.7.2"\n${rest}`, version: "1.7.2" },
  {
    how: "in YAML's other form, of which no version is read",
    yaml: '{"name": "cursor", "version": "1.7.2", "summary": "A", "description": "A", "type": "base"}\n',
    version: "-",
  },
];

test.skipIf(lacking("root") !== undefined).for(yamls)(
  "what snapd installs and mounts is found, its snap.yaml $how",
  async ({ how, yaml, version }, context) => {
    needs(context, debs, programs);
    const home = homeOf(`snap-${how.replaceAll(/[^a-z]/g, "-")}`);
    const made = join(home, "made");
    for (const folder of ["meta", "bin"]) mkdirSync(join(made, folder), { recursive: true });
    writeFileSync(join(made, "meta/snap.yaml"), yaml);
    writeFileSync(join(made, "bin/cursor"), "#!/bin/sh\n", { mode: 0o755 });
    run(home, ["/usr/bin/snap", "pack", made, "--filename=cursor.snap", home]);
    const cursor: Thing = { kind: "package", ecosystem: "snap", id: "cursor", version };
    const inside = ["sh", "-c", booted, "sh", join(home, "cursor.snap"), dirname(home), repository];
    expect(await audited(cursor, "/snap", ["/usr/bin/unshare", "--mount", ...inside])).toEqual([`proof ${version}`]);
  },
);
