import { execFileSync, spawn } from "node:child_process";
import {
  appendFileSync,
  chownSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { openImage, person } from "./place.ts";

const repository = join(import.meta.dirname, "../../..");
const files = 2_000;
/** So many parts a build is compiled in, that there be as many pairs. */
export const parts = 10;
const path = "/usr/bin:/bin";

function functionOf(i: number): string {
  return `#include <stdio.h>
int f${i}(int x) { for (int i = 0; i < x; i += 1) if (printf("%d\\n", i * ${i}) < 0) return i; return x; }
`;
}

/**
 * A file system (ext4) that holds every program a build runs: /usr/bin, the compiler's own and the loader are bound from it
 * over the machine's, in our mount namespace only. So a watcher of it is asked about all of them, and of nothing else.
 */
export class Workshop {
  readonly root: string;
  readonly #c: string;
  readonly #npm: string;
  readonly #home: string;

  constructor(folder: string) {
    this.root = openImage(folder, "workshop");
    const loader = realpathSync("/lib64/ld-linux-x86-64.so.2");
    for (const [from, to] of [
      ["/usr/bin", "bin"],
      ["/usr/lib/gcc", "gcc"],
    ] as const) {
      execFileSync("cp", ["-a", from, join(this.root, to)]);
      execFileSync("mount", ["--bind", join(this.root, to), from]);
    }
    copyFileSync(loader, join(this.root, "ld.so"));
    execFileSync("mount", ["--bind", join(this.root, "ld.so"), loader]);
    [this.#home, this.#c, this.#npm] = [this.#own("home"), this.#own("c"), this.#own("npm")];
    this.#writeC();
    for (const name of ["package.json", "package-lock.json", "installers/link-runtime.mjs"])
      cpSync(join(repository, name), join(this.#npm, name));
    chownSync(join(this.#npm, "installers"), person, person);
  }

  /** A program once more, as a person's own. */
  own(program: string): string {
    const file = join(this.#home, "own");
    copyFileSync(program, file);
    appendFileSync(file, "a person's own".padEnd(64 * 1024));
    chownSync(file, person, person);
    return file;
  }

  /** Fills the cache; from then on the network is not needed. */
  async prepare(): Promise<void> {
    await this.#run(this.#npm, [], ["npm", "ci", "--prefer-offline"]);
  }

  /** Seconds of `npm ci` from the cache, into an empty folder. @param inside see Driver */
  async install(inside: readonly string[]): Promise<number> {
    rmSync(join(this.#npm, "node_modules"), { recursive: true, force: true });
    return this.#run(this.#npm, inside, ["npm", "ci", "--offline"]);
  }

  /** Seconds of compiling one of the parts, each file by a compiler of its own. */
  async compile(inside: readonly string[], part: number): Promise<number> {
    rmSync(join(this.#c, "out"), { recursive: true, force: true });
    mkdirSync(join(this.#c, "out"));
    chownSync(join(this.#c, "out"), person, person);
    return this.#run(this.#c, inside, ["make", "-s", `-j${availableParallelism()}`, `PART=${part}`]);
  }

  /** Every program of both has run once. */
  async warm(inside: readonly string[]): Promise<void> {
    await this.#run(this.#npm, inside, ["npm", "--version"]);
    await this.#run(this.#c, inside, ["make", "-s", "out/warm.o"]);
  }

  #own(name: string): string {
    const folder = join(this.root, name);
    mkdirSync(folder);
    chownSync(folder, person, person);
    return folder;
  }

  #writeC(): void {
    for (let i = 0; i < files; i += 1) writeFileSync(join(this.#c, `p${i % parts}-${i}.c`), functionOf(i));
    writeFileSync(join(this.#c, "warm.c"), functionOf(files));
    const rule = "out/%.o: %.c\n\tgcc -O1 -c -o $@ $<\n";
    writeFileSync(join(this.#c, "Makefile"), `all: $(patsubst %.c,out/%.o,$(wildcard p$(PART)-*.c))\n${rule}`);
    const out = join(this.#c, "out");
    mkdirSync(out);
    chownSync(out, person, person);
  }

  /** As a person does it. */
  async #run(cwd: string, inside: readonly string[], command: readonly string[]): Promise<number> {
    const as = ["setpriv", `--reuid=${person}`, `--regid=${person}`, "--clear-groups"];
    const [program = "", ...args] = [...inside, "sh", "-c", 'cd "$0" && exec "$@"', cwd, ...as, ...command];
    const env = { PATH: path, HOME: this.#home, LANG: "C", npm_config_audit: "false", npm_config_fund: "false" };
    const begun = performance.now();
    const child = spawn(program, args, { env, stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    child.stderr.on("data", (bytes: Buffer) => {
      said += bytes.toString().slice(0, 10_000 - said.length);
    });
    const code = await new Promise((resolve) => child.once("close", resolve));
    if (code !== 0) throw new Error(`${command.join(" ")} ended with ${String(code)}: ${said}`);
    return (performance.now() - begun) / 1000;
  }
}
