import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Updater } from "tuf-js";
import { groupPath } from "#trust/parts.ts";
import type { Device, Place } from "./device.ts";

/** tuf-js, for the same files; an updater is for one look. */
export function peer({ dir, url, root, groups }: Place): Device {
  const [metadataDir, targetDir] = [join(dir, "metadata"), join(dir, "targets")];
  const look = async (): Promise<void> => {
    const targetBaseUrl = `${url}targets`;
    const updater = new Updater({ metadataDir, metadataBaseUrl: url, targetDir, targetBaseUrl });
    await updater.refresh();
    for (const path of ["policy.json", "catalog.json", ...groups.map(groupPath)]) {
      const target = await updater.getTargetInfo(path);
      if (target === undefined) throw new Error(`tuf-js finds no ${path}`);
      if ((await updater.findCachedTarget(target)) === undefined) await updater.downloadTarget(target);
    }
  };
  return {
    first: () => {
      for (const folder of [metadataDir, targetDir]) mkdirSync(folder, { recursive: true });
      writeFileSync(join(metadataDir, "root.json"), readFileSync(root));
      return look();
    },
    again: look,
    close: () => undefined,
  };
}
