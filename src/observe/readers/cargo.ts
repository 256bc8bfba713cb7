import { z } from "zod";
import { parseJson } from "#observe/readers/json.ts";
import type { PackageSeen } from "#policy/evidence.ts";

const installsSchema = z.object({ installs: z.record(z.string(), z.object({ bins: z.array(z.string()) })) });

/** "name version (source)": of a registry. What was built from a folder or a repository has the name that its writer liked. */
const ofRegistry = /^([\w-]{1,64}) (\S{1,100}) \((?:registry|sparse)\+[^)]{1,1000}\)$/;

/** The crate that installed a program, by the .crates2.json of its root (cargo's ops/common_for_install_and_uninstall.rs). */
export function crateOf(bytes: Uint8Array, program: string): PackageSeen | undefined {
  const parsed = installsSchema.safeParse(parseJson(bytes));
  if (!parsed.success) return undefined;
  for (const [crate, { bins }] of Object.entries(parsed.data.installs)) {
    const [, id, version] = bins.includes(program) ? (ofRegistry.exec(crate) ?? []) : [];
    if (id !== undefined && version !== undefined) return { ecosystem: "cargo", id, version };
  }
  return undefined;
}
