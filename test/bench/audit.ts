import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { loadCatalog } from "#cli/catalog.ts";
import { matcherOfEverything } from "#cli/inventory-policy.ts";
import { systemClock } from "#lib/clock.ts";
import { Identifier } from "#observe/identify.ts";
import { DpkgDatabase } from "#observe/owners/dpkg.ts";
import { rawFromText, type RawPath } from "#observe/raw-path.ts";
import { installedAt } from "#observe/scan.ts";
import { compile, type Matcher } from "#policy/compile.ts";
import { evidenceSchema, type Seen } from "#policy/evidence.ts";
import { parseCatalog, parsePolicy } from "#policy/parse.ts";
import { makeHome, writeProgram, type BenchHome } from "./audit-home.ts";
import { policyText, toolId } from "./register.ts";
import { quantile, type Bench, type Row } from "./table.ts";

const child = join(import.meta.dirname, "audit-child.ts");
const childSchema = z.object({ milliseconds: z.number(), found: z.number(), megabytes: z.number() });
const rounds = { warm: 5, cold: 3 } as const;
const inMemory = 300 * 2 ** 20;

export const bench: Bench = {
  title:
    "a home of a million files and sixty tools; find is `find HOME -false`: every folder is read, no file looked at",
  run: async () => [...(await homeRows()), ...(await changeRows()), ...(await largeRows()), ...identityRows()],
};

function median(values: readonly number[]): number {
  return quantile(Float64Array.from(values), 0.5);
}

function elapsed(work: () => void): number {
  const began = performance.now();
  work();
  return performance.now() - began;
}

function find(home: string, ...tests: readonly string[]): number {
  return elapsed(() => execFileSync("find", [home, ...tests], { stdio: "ignore" }));
}

function audited(...folders: readonly string[]): z.infer<typeof childSchema> {
  return childSchema.parse(JSON.parse(execFileSync(process.execPath, [child, ...folders], { encoding: "utf8" })));
}

/** The whole command, from its start to its last line. */
function commanded(home: string): number {
  const main = join(import.meta.dirname, "../../src/cli/main.ts");
  return elapsed(() => execFileSync(process.execPath, [main, "audit", home, "--json"], { stdio: "ignore" }));
}

async function homeRows(): Promise<readonly Row[]> {
  const made = makeHome(await loadCatalog());
  try {
    const { found } = audited(made.home);
    if (found < made.tools) throw new Error(`${found} of ${made.tools} tools were found`);
    const warm = measured(made, rounds.warm, () => undefined);
    const cold = process.getuid?.() === 0 ? measured(made, rounds.cold, forgetDisks) : [];
    const [whole, tenth] = [audited(made.home).megabytes, audited(made.tenth).megabytes];
    return [
      ...warm.map((row) => ({ ...row, name: `warm: ${row.name}` })),
      ...cold.map((row) => ({ ...row, name: `cold: ${row.name}` })),
      { name: "memory (RSS, peak) for a tenth of it", value: tenth, unit: "MB" },
      { name: "memory (RSS, peak) for all of it", value: whole, unit: "MB", against: tenth },
    ];
  } finally {
    made.close();
  }
}

/** In turns, so that the machine is the same to all. */
function measured({ home, files, tools }: BenchHome, count: number, before: () => void): readonly Row[] {
  const times = {
    find: new Array<number>(),
    asked: new Array<number>(),
    scan: new Array<number>(),
    command: new Array<number>(),
  };
  for (let i = 0; i < count; i += 1) {
    before();
    times.find.push(find(home, "-false"));
    before();
    times.asked.push(find(home, "-type", "f", "-perm", "/111", "-size", "-0"));
    before();
    times.scan.push(audited(home).milliseconds);
    before();
    times.command.push(commanded(home));
  }
  const plain = median(times.find);
  const what = `${files.toLocaleString("en")} files, ${tools} tools`;
  return [
    { name: "find HOME -false", value: plain, unit: "ms" },
    {
      name: "find HOME -type f -perm /111 (each file's mode, as an audit needs it)",
      value: median(times.asked),
      unit: "ms",
      against: plain,
    },
    {
      name: `audit of ${what}, in a process that runs`,
      value: median(times.scan),
      unit: "ms",
      against: plain,
      bound: 1.3 * plain,
    },
    { name: "the same as a command, with Node's start", value: median(times.command), unit: "ms", against: plain },
  ];
}

/** Page cache, dentries and inodes (proc_sys_vm(5)). */
function forgetDisks(): void {
  execFileSync("sync");
  writeFileSync("/proc/sys/vm/drop_caches", "3");
}

function identifierOf(matcher: Matcher): Identifier {
  return new Identifier({ wanted: matcher.wanted, dpkg: new DpkgDatabase("/var/lib/dpkg"), clock: systemClock });
}

function raw(path: string): RawPath {
  const found = rawFromText(path);
  if (found === undefined) throw new Error(path);
  return found;
}

/** What the agent does when it is told of a change: the package is read, and held against the catalog. */
async function changeRows(): Promise<readonly Row[]> {
  const base = mkdtempSync(join(tmpdir(), "edict-bench-change-"));
  try {
    const everything = matcherOfEverything(await loadCatalog());
    const identifier = identifierOf(everything);
    const times = [];
    const program = join(base, "tool");
    for (let i = 0; i < 50; i += 1) {
      writeProgram(program, 2 ** 20 + i * 8);
      const began = performance.now();
      const [evidence] = await installedAt(identifier, { what: "program", path: raw(program) });
      if (evidence === undefined || everything.claims(evidence.seen, "linux").length === 0)
        throw new Error("not found");
      times.push(performance.now() - began);
    }
    return [
      { name: "one program changed: read again and known, median of 50", value: median(times), unit: "ms", bound: 50 },
    ];
  } finally {
    rmSync(base, { recursive: true });
  }
}

async function largeRows(): Promise<readonly Row[]> {
  const base = mkdtempSync(join(tmpdir(), "edict-bench-large-"));
  try {
    const [small, program] = [join(base, "small"), join(base, "tool")];
    writeProgram(small, 2 ** 20);
    writeProgram(program, inMemory);
    const everything = matcherOfEverything(await loadCatalog());
    const [packages, first] = [new Array<number>(), new Array<number>()];
    const [again, bytes] = [new Array<number>(), new Array<number>()];
    for (let i = 0; i < 7; i += 1) {
      const identifier = identifierOf(everything);
      packages.push(await identified(identifier, small));
      const before = bytesRead();
      first.push(await identified(identifier, program));
      bytes.push(bytesRead() - before);
      again.push(await identified(identifier, program));
    }
    return [
      {
        name: "any first file: the lists of what this machine has installed are read",
        value: median(packages),
        unit: "ms",
      },
      {
        name: "a program of 300 MB, in the page cache, never read before",
        value: median(first),
        unit: "ms",
        bound: 150,
      },
      { name: "bytes read of it, at most 2 GiB of any file", value: median(bytes) / 2 ** 20, unit: "MiB" },
      { name: "the same again, known by its inode", value: median(again), unit: "ms" },
    ];
  } finally {
    rmSync(base, { recursive: true });
  }
}

async function identified(identifier: Identifier, program: string): Promise<number> {
  const began = performance.now();
  const found = await identifier.file(raw(program));
  if (!("seen" in found) || !("value" in found.seen.marker)) throw new Error("not known");
  return performance.now() - began;
}

/** Of this process so far (proc_pid_io(5)). */
function bytesRead(): number {
  return Number(/^rchar: (\d+)$/m.exec(readFileSync("/proc/self/io", "utf8"))?.[1] ?? Number.NaN);
}

/** Ten identities a tool. */
const each = 10;

function identityRows(): readonly Row[] {
  const [few, many] = [timeClaims(300), timeClaims(99_999)];
  const against = few.nobodys;
  return [
    { name: "a file that is no tool's held against 3,000 identities, p50", value: few.nobodys, unit: "µs" },
    { name: "the same against 999,990, p50", value: many.nobodys, unit: "µs", against, bound: 1.3 * against },
    { name: "a file of a tool held against 3,000 identities, p50", value: few.tools, unit: "µs" },
    { name: "the same against 999,990, each another's, p50", value: many.tools, unit: "µs", against: few.tools },
  ];
}

/** Microseconds to find whose a file is, by its package, name, path and marker: of files such as nearly all are, and of tools. */
function timeClaims(tools: number): { readonly nobodys: number; readonly tools: number } {
  const matcher = compile(parsePolicy(policyText(tools)), parseCatalog(wideCatalog(tools)));
  const time = (idOf: (i: number) => string): number => {
    const files = Array.from({ length: 10_000 }, (_, i) => seenOf(idOf(i)));
    const rows = Array.from({ length: 5 }, () =>
      median(files.map((seen) => elapsed(() => matcher.claims(seen, "linux")))),
    );
    return median(rows) * 1000;
  };
  return { nobodys: time((i) => `package-${i}`), tools: time((i) => `@vendor/${toolId((i * 7919) % tools)}-3`) };
}

function seenOf(id: string): Seen {
  const seen = {
    package: { value: [{ ecosystem: "npm", id }] },
    marker: { absent: true },
    path: { value: [`/home/ann/work/node_modules/${id}/cli.js`] },
    name: { value: ["cli.js"] },
  };
  return evidenceSchema.parse({ id, kind: "file", seen }).seen;
}

function wideCatalog(tools: number): Buffer {
  const list = Array.from({ length: tools }, (_, i) => ({
    id: toolId(i),
    name: `Tool ${i}`,
    identities: Array.from({ length: each }, (_none, j) => ({
      kind: "package",
      ecosystem: "npm",
      id: `@vendor/${toolId(i)}-${j}`,
    })),
  }));
  const qoder = { id: "qoder", name: "Qoder", identities: [] };
  return Buffer.from(JSON.stringify({ formatVersion: 1, tools: [...list, qoder] }));
}
