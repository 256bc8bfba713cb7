import type { Platform } from "#platform/platform.ts";
import { startCourierProcess, startSelf } from "#platform/commands.ts";
import { capabilitiesOf, look } from "#platform/linux/capabilities.ts";
import { bootNow } from "#platform/linux/boot.ts";
import { ExecArguments } from "#platform/linux/exec-arguments.ts";
import { openExecStream } from "#platform/linux/exec-stream.ts";
import { openGate } from "#platform/linux/gate/gate.ts";
import { startGate } from "#platform/linux/gate/start.ts";
import { inspect } from "#platform/linux/inspect.ts";
import { installRoots } from "#platform/linux/install-roots.ts";
import { hold } from "#platform/linux/kill.ts";
import { openLibc } from "#platform/linux/libc.ts";
import type { ProcStat } from "#platform/linux/proc.ts";
import { notifyService, watchdogPeriod } from "#platform/linux/notify-service.ts";
import { peerUid } from "#platform/linux/peer.ts";
import { createUserNames, people } from "#platform/linux/people.ts";
import { inQuarantine, quarantine, restore } from "#platform/linux/quarantine.ts";
import { remoteMounts } from "#platform/linux/remote-mounts.ts";
import { createSweep } from "#platform/linux/processes.ts";
import { runInTerminal } from "#platform/linux/pty.ts";
import { sessions } from "#platform/linux/sessions.ts";
import { Terminals } from "#platform/linux/terminal.ts";
import { tree } from "#platform/linux/tree.ts";
import { isVital, vital } from "#platform/linux/vital.ts";

/** The interface waits, /proc answers at once. */
function later<T>(read: () => T): Promise<T> {
  return new Promise((resolve) => resolve(read()));
}

/** Linux 5.6 or later, through /proc and system calls. @throws PlatformError `unsupported` */
export function createLinux(): Platform {
  const libc = openLibc();
  const userNames = createUserNames();
  const terminals = new Terminals();
  const capabilities = capabilitiesOf(look(libc));
  const sweep = createSweep();
  const kept = new ExecArguments();
  const known = { user: (uid: number) => userNames.now(uid), startedWith: (line: ProcStat) => kept.of(line) };
  return {
    os: "linux",
    boot: bootNow,
    capabilities,
    processes: async () => {
      const rows = await sweep();
      kept.forgetEnded(new Set(rows.map(({ pid }) => pid)));
      return rows;
    },
    inspect: (pid) => later(() => inspect(pid, known)),
    execs: (told, how) => (capabilities.stream.up ? openExecStream({ told, ...how, kept }) : undefined),
    tree: (pid) => later(() => tree(pid)),
    hold: (id) => hold(id, libc),
    people,
    nameOf: (uid) => userNames.find(uid),
    sessions: async () => sessions(await people()),
    installRoots: (persons) => installRoots(persons, remoteMounts()),
    vital: () => later(vital),
    isVital,
    keepTerminal: (seen) => terminals.keep(seen),
    writeTerminal: (seen, text) => terminals.write(seen, text),
    terminalLanguage: (seen) => terminals.language(seen),
    quarantine: (file, into) => quarantine(file, into, libc),
    restore: (id, from) => restore(id, from, libc),
    inQuarantine: (from) => later(() => inQuarantine(from, libc)),
    startSession: ({ person, runtimeDir, bus, display }) =>
      startSelf(["session"], {
        as: person,
        env: {
          ...display,
          HOME: person.home,
          USER: person.name,
          LOGNAME: person.name,
          XDG_RUNTIME_DIR: runtimeDir,
          DBUS_SESSION_BUS_ADDRESS: bus,
        },
      }),
    runInTerminal,
    startCourier: startCourierProcess,
    startGate: () => startGate(libc),
    openGate,
    peerUid: (socket) => peerUid(socket, libc),
    service: (state) => notifyService(state, process.env, libc),
    watchdog: watchdogPeriod(process.env, process.pid),
  };
}
