import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** Compiles a C file that lies beside this one. Gives the program, which others may run. @throws where there is no gcc */
export function compileC(name: string, folder: string): string {
  const program = join(folder, name);
  execFileSync("gcc", ["-O2", "-Wall", "-Wextra", "-o", program, join(import.meta.dirname, `${name}.c`)]);
  return program;
}

/** What a place's programs are started by; driver.c says how it speaks. */
export class Driver {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  /** @param inside a command that starts another in a mount namespace, or none */
  constructor(program: string, inside: readonly string[] = []) {
    const [command, ...args] = [...inside, program];
    this.#child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
    if (this.#child.stdout === null) throw new Error("the driver has no standard output");
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /**
   * Starts the program so many times, one after the other.
   * @returns microseconds from vfork to the end of each; where it was not run, -errno
   */
  async time(root: string, program: string, uid: number, count: number): Promise<Float64Array> {
    this.#child.stdin?.write(`${count} ${uid} ${root} ${program}\n`);
    const line = await this.#lines.next();
    if (line.done === true) throw new Error("the driver has ended");
    return Float64Array.from(line.value.split(" ").map(Number), (ns) => (ns < 0 ? ns : ns / 1000));
  }

  close(): void {
    this.#child.stdin?.end();
  }
}
