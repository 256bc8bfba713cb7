import { z } from "zod";
import { parseJson } from "#observe/readers/json.ts";
import type { PackageSeen } from "#policy/evidence.ts";

const recordSchema = z.object({
  name: z.string().regex(/^[\w.-]{1,100}$/),
  version: z.string().max(100),
  build: z.string().max(200),
});

/** A package of a conda environment, by conda-meta/<name>-<version>-<build>.json, where the file is called so. */
export function parseCondaRecord(bytes: Uint8Array, file: string): PackageSeen | undefined {
  const parsed = recordSchema.safeParse(parseJson(bytes));
  if (!parsed.success) return undefined;
  const { name: id, version, build } = parsed.data;
  return file === `${id}-${version}-${build}.json` ? { ecosystem: "conda", id, version } : undefined;
}
