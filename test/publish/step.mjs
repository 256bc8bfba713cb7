// Preloaded: before each change to a disk, and in the middle of each write, the process says so and waits to be told to go on.
import fs from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";

const pause = (op) =>
  new Promise((resolve) => {
    process.channel.ref();
    process.once("message", () => {
      process.channel.unref();
      resolve();
    });
    process.send(op);
  });

for (const name of ["open", "rename", "link", "unlink", "mkdir", "rm"]) {
  const real = fs[name];
  fs[name] = async (...args) => {
    if (name !== "open" || (typeof args[1] === "number" && args[1] & 0o3)) await pause(name);
    return real(...args);
  };
}
const handle = await fs.open(import.meta.filename);
const prototype = Object.getPrototypeOf(handle);
await handle.close();
const { writeFile } = prototype;
prototype.writeFile = async function (bytes) {
  await writeFile.call(this, bytes.subarray(0, bytes.length / 2));
  await pause("write");
  return writeFile.call(this, bytes.subarray(bytes.length / 2));
};
syncBuiltinESMExports();
process.channel.unref();
