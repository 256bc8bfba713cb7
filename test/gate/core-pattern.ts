import { accessSync, constants, readFileSync, writeFileSync } from "node:fs";

const file = "/proc/sys/kernel/core_pattern";

/** Why what the kernel does with a crash cannot be set here, printed; undefined where it can (core(5)). */
export function noCorePattern(): string | undefined {
  try {
    accessSync(file, constants.W_OK);
    return undefined;
  } catch {
    const why = `${file} cannot be written to`;
    console.warn(`skipped: ${why}`);
    return why;
  }
}

/** The whole machine's, for as long as `work` takes. */
export async function withCorePattern<T>(value: string, work: () => Promise<T>): Promise<T> {
  const before = readFileSync(file);
  writeFileSync(file, value);
  try {
    return await work();
  } finally {
    writeFileSync(file, before);
  }
}
