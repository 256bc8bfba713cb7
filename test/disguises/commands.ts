import { existsSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import type { Disguise } from "./disguise.ts";
import { copy, copyTree, mask } from "./files.ts";
import type { Prepared } from "./launch.ts";
import type { Place } from "./place.ts";
import { compile } from "./tools.ts";
import type { Tool } from "./tool.ts";

const noScript: Prepared = { not: "it is a program, not a script" };

/** The loader that the kernel would start it with (ld.so(8)). */
const loader = "/lib64/ld-linux-x86-64.so.2";

/** As somebody types it at a prompt: the shell's own arguments name no file. */
function typed(line: string, script: string, runs: string): Prepared {
  return { argv: ["/bin/sh", "-euc", line], env: { SCRIPT: script, RUNS: runs } };
}

/** Runs a file through its interpreter, or by itself where it has none. */
function plainly(tool: Tool, file: string): readonly [string, ...string[]] {
  return tool.interpreter === undefined ? [file] : [tool.interpreter, file];
}

/** A project that has the tool as a dependency, as `npm install` leaves it. */
function project(tool: Tool, folder: string, npm: string): void {
  const modules = join(folder, "node_modules");
  execFileSync("/bin/mkdir", ["-p", join(modules, ".bin"), join(modules, npm, "..")]);
  copyTree(tool, join(modules, npm));
  const name = tool.bin.slice(tool.bin.lastIndexOf("/") + 1);
  execFileSync("/bin/ln", ["-s", `../${npm}${tool.entry.slice(tool.tree.length)}`, join(modules, ".bin", name)]);
  execFileSync("/bin/sh", ["-c", 'printf "{}" > "$0"', join(folder, "package.json")]);
}

/** Copies a masked file into memory and runs it from there. */
function memory(place: Place): string {
  const program = join(place.base, "memory");
  if (!existsSync(program)) compile(new URL("parrots/memory.c", import.meta.url).pathname, program);
  return program;
}

/** Disguises that are a matter of how it is started. */
export const commandDisguises: readonly Disguise[] = [
  {
    id: "spoofed argv[0]",
    title: "started with another argv[0]",
    // In an environment Python finds its modules by the path it is called by.
    make: (tool) => ({ argv: plainly(tool, tool.entry), argv0: "vi", env: { PYTHONPATH: tool.modules ?? "" } }),
  },
  {
    id: "process.title",
    title: "sets its own title (process.title) once it runs",
    make: (tool) => ({ argv: [tool.bin], env: { PARROT_TITLE: "vi" } }),
  },
  {
    id: "interpreter with script path",
    title: "its interpreter, given the script's path",
    make: (tool) => (tool.interpreter === undefined ? noScript : { argv: plainly(tool, tool.entry) }),
  },
  {
    id: "interpreter with a copy",
    title: "its interpreter, given a copy of the script",
    make: (tool, folder) => (tool.interpreter === undefined ? noScript : { argv: plainly(tool, copy(tool, folder)) }),
  },
  {
    id: "module",
    title: "its interpreter, told to load it (--import, -m)",
    make: (tool) => (tool.module === undefined ? noScript : { argv: tool.module }),
  },
  {
    id: "stdin script",
    title: "its interpreter, reading the script from standard input",
    make: (tool) =>
      tool.interpreter === undefined ? noScript : typed('exec "$RUNS" < "$SCRIPT"', tool.entry, tool.interpreter),
  },
  {
    id: "piped script",
    title: "the same through a pipe (cat script | interpreter)",
    make: (tool) =>
      tool.interpreter === undefined ? noScript : typed('cat "$SCRIPT" | "$RUNS"', tool.entry, tool.interpreter),
  },
  {
    id: "-e import",
    title: "code in an argument that imports it (-e, -c)",
    make: (tool) => {
      if (tool.interpreter === undefined || tool.importing === undefined) return noScript;
      return { argv: [tool.interpreter, tool.kind === "python" ? "-c" : "-e", tool.importing] };
    },
  },
  {
    id: "npx",
    title: "through npx",
    make: (tool, folder) => {
      if (tool.npm === undefined) return { not: "npx runs packages of npm" };
      project(tool, folder, tool.npm);
      return { argv: ["npx", "--no-install", "--offline", tool.npm], cwd: folder };
    },
  },
  {
    id: "ld.so",
    title: "through the loader (ld.so program)",
    make: (tool) => {
      const [program, ...rest] = plainly(tool, tool.entry);
      return { argv: [loader, realpathSync(program), ...rest], env: { PYTHONPATH: tool.modules ?? "" } };
    },
  },
  {
    id: "memfd + fexecve",
    title: "from memory (memfd_create, fexecve)",
    make: (tool, folder, place) => {
      const from = copy(tool, folder);
      // Node wants a real path for its script, which a memory file has not.
      if (tool.kind === "script") {
        const script = readFileSync(from, "utf8");
        writeFileSync(from, script.replace("#!/usr/bin/env node", "#!/usr/bin/env -S node --preserve-symlinks-main"));
      }
      return { argv: [memory(place), mask(from, join(folder, "masked")), "notes"] };
    },
  },
  {
    id: "deleted while running",
    title: "a copy that deletes itself once it runs",
    make: (tool, folder) => {
      const to = copy(tool, folder);
      return { argv: [to], env: { PARROT_FORGET: to } };
    },
  },
  { id: "started by root", title: "started by root", make: (tool) => ({ argv: [tool.bin], as: "root" }) },
  {
    id: "through sudo",
    title: "through sudo",
    make: (tool) =>
      existsSync("/usr/bin/sudo") ? { argv: ["/usr/bin/sudo", "-n", tool.bin] } : { not: "there is no sudo" },
  },
  {
    id: "setsid",
    title: "in a session of its own (setsid)",
    make: (tool) => ({ argv: ["/usr/bin/setsid", "--wait", tool.bin] }),
  },
  {
    id: "started while the agent restarts",
    title: "started while the agent restarts",
    make: (tool) => ({ argv: [tool.bin], when: "while away" }),
  },
  {
    id: "running before the agent came",
    title: "running before the agent came",
    make: (tool) => ({ argv: [tool.bin], when: "before" }),
  },
];
