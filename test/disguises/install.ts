import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";

const environment = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };

function apt(...args: readonly string[]): void {
  execFileSync("apt-get", ["-qq", "-o", "APT::Sandbox::User=root", ...args], {
    stdio: ["ignore", "ignore", "pipe"],
    env: environment,
  });
}

function isThere(name: string): boolean {
  try {
    const query = ["-W", "-f", "${db:Status-Abbrev}", name];
    return execFileSync("dpkg-query", query, { stdio: ["ignore", "pipe", "ignore"] })
      .toString()
      .startsWith("ii");
  } catch {
    return false;
  }
}

/** Installs Debian packages in this root file system, each for itself; what cannot be had is said, and left out. No service is started. */
export function install(packages: readonly string[]): void {
  writeFileSync("/usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  let updated = false;
  for (const name of packages.filter((one) => !isThere(one))) {
    try {
      apt("install", "-y", "--no-install-recommends", name);
    } catch {
      try {
        if (!updated) apt("update");
        updated = true;
        apt("install", "-y", "--no-install-recommends", name);
      } catch (error) {
        const [line = ""] = error instanceof Error ? error.message.split("\n").slice(1) : [String(error)];
        console.log(`not installed: Debian's ${name}: ${line}`);
      }
    }
  }
}
