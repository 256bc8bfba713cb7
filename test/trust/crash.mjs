// Preloaded: the process dies before its CRASH_AT-th change to a disk, or in the middle of it where that is a write.
import { appendFileSync } from "node:fs";
import fs from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";

let left = Number(process.env.CRASH_AT);
const die = () => process.kill(process.pid, "SIGKILL");

for (const name of ["open", "rename", "link", "unlink", "mkdir", "rm"]) {
  const real = fs[name];
  fs[name] = (...args) => {
    if (name !== "open" || (typeof args[1] === "number" && args[1] & 0o3)) if (left-- === 0) die();
    return real(...args);
  };
}
const handle = await fs.open(import.meta.filename);
const prototype = Object.getPrototypeOf(handle);
await handle.close();
const { writeFile, sync } = prototype;
prototype.writeFile = async function (bytes) {
  if (left-- === 0) {
    await writeFile.call(this, bytes.subarray(0, bytes.length / 2));
    die();
  }
  return writeFile.call(this, bytes);
};
prototype.sync = function () {
  if (left-- === 0) die();
  return sync.call(this);
};
syncBuiltinESMExports();
process.on("exit", () => process.env.CRASH_LEFT && appendFileSync(process.env.CRASH_LEFT, String(left)));
