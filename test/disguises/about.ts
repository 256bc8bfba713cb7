import { execFileSync } from "node:child_process";
import { cpus, release, totalmem } from "node:os";
import { readFileSync } from "node:fs";
import { rulesFor } from "./fapolicyd.ts";
import type { Tool } from "./tool.ts";

/** What a reader must know before the tables. */
export function aboutThisRun(tools: readonly Tool[]): readonly string[] {
  return [
    `What becomes of a banned tool that hides. Four stand-ins for tools (${tools.map(({ title }) => title).join(", ")}), each installed as
its package manager leaves it, are banned by their packages, hashes and markers, as the catalog bans real ones, and then started
under each disguise: first with nobody watching, which shows that the disguise works on this machine, then with Edict's agent,
then with fapolicyd. Every disguise was made before either was started. A tool writes a line with its first instructions and one
each millisecond from then on, for five seconds where it is let; so a cell says`,
    `- **denied**: it did not run; the program or script could not be started, or not be opened by what would have run it
- **killed before its first line (N ms)**: its process began, and was ended N ms after its start, before it had come to the tool's own code
- **killed after N ms**: it ran for N ms
- **missed**: it ran to its end
- **–**: there is no such disguise for such a tool, or not on this machine; the reasons are at the end`,
    `\`\`\`
npm run disguises     # as root, five minutes or so; everything happens in a root file system of its own, and goes with it
\`\`\``,
    `- **Machine**: ${machine()}, Node ${process.versions.node}; ${day()}. N comes from one run, on a machine that others used too.
- **Edict**: agent, server, gate and exec stream as they are shipped, default settings; the four bans have a grace of one second.
- **fapolicyd**: from Debian, in the same root file system, with the best deny list that we could write for it:
  \`deny perm=any\` by sha256 and by path for each file of each tool (${rulesFor(tools).split("\n").length - 1} rules), \`dir=\` for their folders, \`pattern=ld_so\`, then \`allow perm=any all : all\`; \`trust = file\`,
  \`integrity = sha256\`, \`allow_filesystem_mark = 1\`. By \`perm=any\` nobody can read those files any more, backup and editor
  included; Edict lets them. Its usual way, to allow nothing but what is listed, would stop more of these disguises, with
  everything else that a person installs; that is not what a ban means. With overlays among \`watch_fs\` it hung when a file was
  started through one whose layers it watched too: it waits for itself. Its Python column is better than its rules: a changed or
  hidden console script still imports the installed modules, and those are denied.`,
  ];
}

function machine(): string {
  const [cpu] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  const debian = readFileSync("/etc/debian_version", "utf8").trim();
  return `${cpus().length} × ${cpu?.model ?? "?"}, ${memory} GiB, Debian ${debian}, Linux ${release().replace(/-.*/u, "")}`;
}

function day(): string {
  return execFileSync("/bin/date", ["-u", "+%-d %B %Y"], { env: { LC_ALL: "C" } })
    .toString()
    .trim();
}
