import { sectioned } from "../sectioned.ts";

/** A program with update information in its section, and behind it the beginning of a file system. */
export function appImage(update: string, magic = "hsqs"): Buffer {
  const { bytes, sections } = sectioned(4096, [{ name: ".upd_info", offset: 512, size: 1024 }]);
  bytes.write("AI\x02", 8, "latin1");
  bytes.write(update, sections[0]?.offset ?? 0, "utf8");
  return Buffer.concat([bytes, Buffer.from(magic), Buffer.alloc(100)]);
}
