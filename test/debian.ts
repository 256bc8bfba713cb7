import { execFileSync } from "node:child_process";
import type { TestProject } from "vitest/node";

/** Whatever tests need from Debian. One list: it is installed once, before the first test, where that is possible. */
const packages = [
  "adwaita-icon-theme",
  "btrfs-progs",
  "dbus",
  "dbus-x11",
  "e2fsprogs",
  "fonts-dejavu-core",
  "fonts-noto-cjk",
  "gcc",
  "imagemagick",
  "libc6-dev",
  "lintian",
  "notification-daemon",
  "openssl",
  "postgresql",
  "procps",
  "python3",
  "strace",
  "systemd",
  "systemd-container",
  "vim-tiny",
  "x11-utils",
  "xdotool",
  "xfsprogs",
  "xvfb",
];

function missing(): string[] {
  return packages.filter((name) => {
    try {
      const status = execFileSync("dpkg-query", ["-W", "-f", "${db:Status-Abbrev}", name], {
        stdio: ["ignore", "pipe", "ignore"],
      });
      return !status.toString().startsWith("ii");
    } catch {
      return true;
    }
  });
}

function apt(...args: string[]): void {
  execFileSync("apt-get", ["-qq", "-o", "DPkg::Lock::Timeout=300", ...args], {
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
  });
}

declare module "vitest" {
  interface ProvidedContext {
    /** Debian packages that are not here, and why nobody could install them. */
    debian: { missing: string[]; why: string };
  }
}

/** vitest's global set-up. */
export default function setup(project: TestProject): void {
  let why = "";
  const wanted = missing();
  if (wanted.length > 0 && process.getuid?.() !== 0) why = "only root can install Debian packages";
  else if (wanted.length > 0) {
    try {
      apt("update");
      apt("install", "-y", "--no-install-recommends", ...wanted);
    } catch (error) {
      why = `apt-get failed: ${error instanceof Error ? error.message : String(error)}`;
    }
  }
  project.provide("debian", { missing: missing(), why });
}
