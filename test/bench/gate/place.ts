import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { Driver } from "./driver.ts";

/** Whoever runs the programs, and owns those that are "a user's own": nobody. */
export const person = 65534;
const program = "/usr/bin/true";
const banned = "/home/banned";
/** By which the banned one is known, whatever it is called. */
export const marker = "com.example.edict-bench.banned";

/** Bytes of a person's own programs. */
export const size = { small: 100_000, big: 250_000_000 } as const;
const tail = 256;

/** Code as programs have it, not zeros or noise: this very Node, as often as it takes. */
function codeOf(bytes: number): Buffer {
  const node = readFileSync(process.execPath);
  return Buffer.concat(Array.from({ length: Math.ceil(bytes / node.length) }, () => node)).subarray(0, bytes);
}
const own = readFileSync(program);
const contents = {
  small: codeOf(size.small - own.length - tail),
  big: codeOf(size.big - own.length - tail),
};

/** Where images of file systems lie: in memory. */
export function mountImages(folder: string): void {
  mkdirSync(join(folder, "images"));
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=75%", "edict-bench", join(folder, "images")]);
}

/** A file system in memory, as big as it comes to be. Gives its mount point. */
export function openImage(folder: string, name: string): string {
  const [image, root] = [join(folder, "images", name), join(folder, name)];
  writeFileSync(image, "");
  truncateSync(image, 4 * 2 ** 30);
  execFileSync("mkfs.ext4", ["-q", "-E", "lazy_itable_init=0,lazy_journal_init=0,nodiscard", image]);
  mkdirSync(root);
  execFileSync("mount", ["-o", "loop,noatime", image, root]);
  return root;
}

/**
 * A file system of its own (ext4, as most have) with a small root: true(1) and all that it opens when it starts, owned by
 * root as the distribution has them. Only one watcher marks it, so all watchers can run at the same time.
 */
export class Place {
  readonly root: string;
  #driver: Driver | undefined;
  #made = 0;

  constructor(folder: string, name: string) {
    this.root = openImage(folder, name);
    for (const file of [program, "/etc/ld.so.cache", ...librariesOf(program)]) this.#copy(file, file);
    mkdirSync(join(this.root, "home"));
    chownSync(join(this.root, "home"), person, person);
    this.#copy(program, banned);
    appendFileSync(join(this.root, banned), marker);
  }

  /** @param inside see Driver */
  open(driver: string, inside: readonly string[] = []): void {
    this.#driver = new Driver(driver, inside);
  }

  close(): void {
    this.#driver?.close();
    this.#driver = undefined;
  }

  /** Root's, 0755, as a package manager leaves it. */
  get system(): string {
    return program;
  }

  /** The one that must not run, where somebody is asked. */
  get banned(): string {
    return banned;
  }

  /** The same program once more, the person's own: other code follows it, which it does not run, and an end of its own. */
  own(what: keyof typeof size): string {
    this.#made += 1;
    const to = `/home/own-${this.#made}`;
    this.#copy(program, to);
    const file = join(this.root, to);
    appendFileSync(file, contents[what]);
    appendFileSync(file, `${this.root} ${this.#made}`.padEnd(tail));
    chownSync(file, person, person);
    return to;
  }

  /** Where everybody else finds it. */
  pathOf(path: string): string {
    return join(this.root, path);
  }

  remove(path: string): void {
    rmSync(this.pathOf(path));
  }

  /** Microseconds of each of so many executions. @throws when one of them did not end with 0 */
  async time(path: string, count: number): Promise<Float64Array> {
    if (this.#driver === undefined) throw new Error(`nobody can run anything in ${this.root}`);
    const times = await this.#driver.time(this.root, path, person, count);
    const failed = times.find((t) => !(t > 0));
    if (failed !== undefined) throw new Error(`${path} in ${this.root} was not run: ${failed}`);
    return times;
  }

  #copy(from: string, to: string): void {
    const target = join(this.root, to);
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(from, target);
  }
}

/** ldd(1): the files that the loader opens, itself among them. */
function librariesOf(file: string): readonly string[] {
  const text = execFileSync("ldd", [file], { encoding: "utf8" });
  return [...text.matchAll(/(?:=> |^\s*)(\/\S+) \(/gm)].flatMap(([, path]) => path ?? []);
}
