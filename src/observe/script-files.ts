import { interpreterNamed, runsOf } from "#observe/command-line.ts";
import type { Interpreter, Runs } from "#observe/interpreters.ts";
import { sitesOf } from "#observe/owners/python.ts";
import { against, below, nameOf, parentOf, rawFromSeen, rawFromText, type RawPath } from "#observe/raw-path.ts";
import { reached } from "#observe/reach.ts";
import { realPath, stampAt } from "#observe/read-file.ts";
import type { ProcessDetail } from "#platform/platform.ts";

/** Where the file can lie that an interpreter was told to run, as we reach it; the first that is there is meant. */
export function candidates(
  detail: ProcessDetail,
  interpreter: Interpreter,
  runs: Extract<Runs, { what: "file" | "module" }>,
): readonly RawPath[] | Promise<readonly RawPath[]> {
  return runs.what === "file" ? scriptFiles(detail, runs.index, interpreter) : moduleFiles(detail, runs);
}

/** A process as what its loader was told to start sees itself: that program's arguments only. */
export function startedBy(detail: ProcessDetail, index: number): ProcessDetail {
  const { process, argvBytes } = detail;
  const argv = (process.argv ?? []).slice(index);
  return { ...detail, process: { ...process, argv }, argvBytes: argvBytes.slice(index) };
}

/** Whether what an interpreter was told to run is this file, or code that could load it. Only where its paths mean the same here. */
export async function runsFile(
  detail: ProcessDetail,
  interpreter: Interpreter,
  id: { readonly dev: string; readonly ino: string },
): Promise<boolean> {
  const runs = runsOf(interpreter, detail.process.argv ?? []);
  if (runs.what === "code") return interpreter.shell !== true; // a shell opens what it redirects
  if (runs.what !== "file" && runs.what !== "module") return false;
  for (const candidate of await candidates(detail, interpreter, runs)) {
    const real = await realPath(candidate);
    const stamp = real === undefined ? undefined : await stampAt(real);
    if (real === undefined || stamp === undefined) continue;
    if (stamp.dev === id.dev && stamp.ino === id.ino) return true;
    const inner = interpreter.loader === true ? interpreterNamed(nameOf(real)) : undefined;
    return inner !== undefined && runsFile(startedBy(detail, runs.index), inner, id);
  }
  return false;
}

/** What the program argument can mean: the file itself, or what node and python make of it. */
function scriptFiles(detail: ProcessDetail, index: number, interpreter: Interpreter): readonly RawPath[] {
  const given = detail.argvBytes[index];
  const path = given === undefined ? undefined : fromHere(detail, given);
  if (path === undefined) return [];
  if (interpreter.loader === true) return [path];
  if (interpreter.names.includes("python")) return [path, below(path, "__main__.py")];
  const js = below(parentOf(path), `${nameOf(path)}.js`);
  return [path, js, below(path, "package.json"), below(path, "index.js")];
}

function folderOf(detail: ProcessDetail): RawPath | undefined {
  if (!detail.sameMounts) return rawFromText(detail.ways.cwd);
  return detail.process.cwd === undefined ? undefined : rawFromText(detail.process.cwd);
}

function fromHere(detail: ProcessDetail, given: Uint8Array): RawPath | undefined {
  const path = against(folderOf(detail), given);
  return path === undefined || given[0] !== slash ? path : reached(detail, path);
}
const slash = 0x2f;

/** Where `python -m name` can find a module: the folder it runs in, and the environment that its own path names. */
async function moduleFiles(
  detail: ProcessDetail,
  runs: Extract<Runs, { what: "module" }>,
): Promise<readonly RawPath[]> {
  const argv = detail.process.argv ?? [];
  const name = (argv[runs.index] ?? "").slice(runs.skip);
  if (!/^[A-Za-z_][\w.]*$/.test(name)) return [];
  const path = name.replaceAll(".", "/");
  const called = detail.argvBytes[0];
  const programs = [
    called?.includes(slash) === true ? fromHere(detail, called) : undefined,
    detail.sameMounts ? rawFromSeen(detail.program) : undefined,
  ];
  const roots = programs.filter((p) => p !== undefined).map((p) => parentOf(parentOf(p)));
  const sites = await Promise.all([...new Set(roots)].map(sitesOf));
  return [folderOf(detail), ...sites.flat()]
    .filter((folder) => folder !== undefined)
    .flatMap((folder) => [`${path}/__main__.py`, `${path}.py`].map((file) => below(folder, file)));
}
