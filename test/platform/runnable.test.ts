import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { lacking } from "../needs.ts";

const module = join(import.meta.dirname, "../../src/platform/linux/runnable.ts");
const asks = `import(${JSON.stringify(module)}).then((one) => console.log(one.mayRunAnything()))`;

test.skipIf(lacking("root") !== undefined).each([
  { who: "root", under: [], may: true },
  { who: "somebody else", under: ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"], may: false },
  {
    who: "root without the right to override modes",
    under: ["setpriv", "--bounding-set", "-dac_override", "--inh-caps", "-dac_override"],
    may: false,
  },
  { who: "root of a user namespace", under: ["unshare", "--user", "--map-root-user"], may: false },
])("that $who may run what anybody may is $may", ({ under, may }) => {
  const [program, ...args] = [...under, process.execPath, "--eval", asks];
  expect(execFileSync(program, args, { encoding: "utf8" })).toBe(`${may}\n`);
});
