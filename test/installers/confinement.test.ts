import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { lacking } from "../needs.ts";
import { boot, type Booted } from "./booted.ts";

const installed = fileURLToPath(new URL("../../installers/linux/edict.service", import.meta.url));

// By number: asm/unistd_64.h, asm-generic/unistd.h.
const [init, mark, mount, sethostname, bpf] =
  process.arch === "arm64" ? [262, 263, 40, 161, 280] : [300, 301, 165, 170, 321];
const [FAN_CLASS_CONTENT, FAN_CLOEXEC, FAN_MARK_ADD, FAN_OPEN_EXEC_PERM] = [4, 1, 1, 0x4_0000];
const flags = FAN_CLASS_CONTENT | FAN_CLOEXEC | 0x40; // FAN_ENABLE_AUDIT
/** What is marked is a file of its own that nobody runs, for a moment: nobody waits. */
const tries = `
  use Errno; use Socket;
  sub said { print $_[0], " ", $_[1] >= 0 ? "works" : $!{EPERM} ? "EPERM" : $!, "\\n" }
  open(my $file, "+>", "/root/marked") or die;
  my $group = syscall(${init}, ${flags}, 0);
  said("fanotify_init", $group);
  said("fanotify_mark", syscall(${mark}, $group, ${FAN_MARK_ADD}, ${FAN_OPEN_EXEC_PERM}, fileno($file), 0));
  my $gate = fork() // die;
  if ($gate == 0) { sleep 60; exit }
  my $held = syscall(434, $gate, 0); # pidfd_open and pidfd_getfd have these numbers everywhere
  said("pidfd_getfd", syscall(438, $held, fileno($file), 0));
  kill "KILL", $gate;
  my ($none, $where, $type, $name) = ("none", "/mnt", "tmpfs", "x");
  said("connector", socket(my $netlink, 16, SOCK_DGRAM, 11) ? 0 : -1);
  said("receive buffer", setsockopt($netlink, SOL_SOCKET, 33, 16777216) ? 0 : -1);
  said("mount", syscall(${mount}, $none, $where, $type, 0, 0));
  said("sethostname", syscall(${sethostname}, $name, 1));
  said("bpf", syscall(${bpf}, 0, 0, 0));
`;

describe.skipIf(lacking("root", "systemd", "systemd-container") !== undefined)("the agent's unit", () => {
  let folder = "";
  let machine: Booted;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "edict-confinement-"));
    // Nothing is installed in there: what could gate something is this test's own program.
    machine = await boot(["--system-call-filter=fanotify_init fanotify_mark pidfd_getfd bpf"]);
  });
  afterAll(async () => {
    await machine.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test("lets it hold programs and hear of them, and leaves nothing else of what these rights would give", () => {
    const unit = "/run/systemd/system/tries.service";
    writeFileSync(join(folder, "tries.pl"), tries);
    machine.bring(join(folder, "tries.pl"), "/root/tries.pl");
    machine.bring(installed, "/root/edict.service");
    const { code, text } = machine.run(`set -e
      echo "[Service]" > ${unit}
      sed -En '/^(Cap|No|Restrict|Lock|Protect|Keyring|Device|SystemCall)/p' /root/edict.service >> ${unit}
      printf 'Type=oneshot\\nExecStart=/usr/bin/perl /root/tries.pl\\nStandardOutput=file:/root/tried\\n' >> ${unit}
      systemctl start tries.service || systemctl status tries.service`);
    expect({ code, text }).toEqual({ code: 0, text: "" });
    expect(machine.run("cat /root/tried").text.trim().split("\n")).toEqual([
      "fanotify_init works",
      "fanotify_mark works",
      "pidfd_getfd works",
      "connector works",
      "receive buffer works",
      "mount EPERM",
      "sethostname EPERM",
      "bpf EPERM",
    ]);
  });
});
