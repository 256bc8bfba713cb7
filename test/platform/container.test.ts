import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { containerOfGroups } from "#lib/pure/containers.ts";
import { lacking } from "../needs.ts";
import { evidenceOf } from "../observe/place.ts";

const id = "5f0a".repeat(16);

test.each([
  [`0::/system.slice/docker-${id}.scope\n`, "docker"],
  [`12:pids:/docker/${id}\n0::/\n`, "docker"],
  [`0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-${id}.scope/container\n`, "podman"],
  [`0::/kubepods.slice/kubepods-besteffort.slice/cri-containerd-${id}.scope\n`, "containerd"],
  [`0::/kubepods.slice/crio-${id}.scope\n`, "cri-o"],
  ["0::/lxc.payload.work/system.slice/ssh.service\n", "lxc"],
  ["0::/machine.slice/systemd-nspawn@work.service/payload/system.slice\n", "nspawn"],
  ["0::/user.slice/user-1000.slice/session-2.scope\n", undefined],
  ["0::/system.slice/docker.service\n", undefined],
  ["", undefined],
])("the control groups %j are those of %s", (text, engine) => {
  expect(containerOfGroups(text)).toBe(engine);
});

/** A root of its own, in a mount namespace of its own: an overlay of this machine's, or what `root` binds there. */
const enter = `set -e
mount -t tmpfs none "$1"
mkdir -p "$1/$2/diff" "$1/$2/work" "$1/merged"
if [ "$3" = overlay ]; then
  mount -t overlay none -o "lowerdir=/,upperdir=$1/$2/diff,workdir=$1/$2/work" "$1/merged"
else
  for name in usr proc; do mkdir "$1/$2/diff/$name"; done
  for name in bin lib lib64; do ln -s usr/$name "$1/$2/diff/$name"; done
  mount --bind "$1/$2/diff" "$1/merged"
  mount --rbind /usr "$1/merged/usr"
fi
printf 'echo ready; read x\\n' > "$1/merged/tool.sh"
exec /usr/sbin/chroot "$1/merged" /bin/sh /tool.sh`;

describe.skipIf(lacking("root") !== undefined)("a process with a root of its own", () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "edict-container-")));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test.each([
    ["docker/overlay2/5f0a", "overlay", "docker"],
    ["containers/storage/overlay/77ab", "overlay", "podman"],
    ["containers/storage/vfs/dir/77ab", "bind", "podman"],
    ["jail", "bind", undefined],
  ])("that lies on %s (%s) is marked as %s's, with what it runs", async (at, how, engine) => {
    const args = ["--mount", "--", "/bin/sh", "-c", enter, "sh", folder, at, how];
    const child = spawn("/usr/bin/unshare", args, { stdio: ["pipe", "pipe", "inherit"] });
    try {
      await once(child.stdout, "data");
      const { file, script } = await evidenceOf(child.pid);
      expect([file?.path, script?.path]).toEqual([expect.stringMatching(/\/(?:da)?sh$/), "/tool.sh"]);
      expect([file?.container, script?.container]).toEqual([engine, engine]);
    } finally {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
  });

  test("that is this machine's own is not marked", async () => {
    expect((await evidenceOf(process.pid)).file?.container).toBeUndefined();
  });
});
