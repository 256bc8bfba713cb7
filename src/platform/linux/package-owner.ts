import { PlatformError } from "#platform/platform.ts";
import { run } from "#platform/commands.ts";

/** Places of the system and its package managers: nothing of root's is taken out of them, whatever the databases say. */
const system =
  /^\/(?:s?bin|lib[0-9a-z]{0,3}|boot|etc|dev|proc|sys|run|snap|nix|gnu|usr\/(?!local\/|lib\/node_modules\/)|var\/lib\/(?:snapd|flatpak|dpkg|rpm))(?:\/|$)/;
const usrMerged = /^\/usr\/(?=(?:s?bin|lib[0-9a-z]{0,3})\/)/;

const databases = [
  {
    name: "dpkg",
    file: "/usr/bin/dpkg-query",
    // Patterns of dpkg-query(1) are those of glob(7), where a backslash makes the next character an ordinary one.
    says: /./s,
    args: (paths: readonly string[]) => [
      "--search",
      "--",
      ...paths.map((path) => path.replaceAll(/[*?[\]\\]/g, "\\$&")),
    ],
  },
  {
    name: "rpm",
    file: "/usr/bin/rpm",
    // It says on standard output, too, which files it does not own: those lines begin otherwise.
    says: /^owned$/m,
    args: (paths: readonly string[]) => ["-qf", "--queryformat", "owned\\n", "--", ...paths],
  },
] as const;

/** Whether a folder of the system, taken as text, may hold nothing that we move. Pure. */
export function isSystemPlace(path: string): boolean {
  return system.test(path);
}

/** The package manager of the system that installed any of these, if one did. @throws PlatformError when one cannot be asked */
export async function packageManagerOf(paths: readonly string[]): Promise<string | undefined> {
  // On a merged /usr the database may know a file by its old name (dpkg's --search does not resolve links).
  const names = [...new Set(paths.flatMap((path) => [path, path.replace(usrMerged, "/")]))];
  for (const { name, file, says, args } of databases) {
    try {
      const { code, stdout } = await run(file, args(names), { deadline: 30_000 });
      if (code === 0 || says.test(stdout.toString("latin1"))) return name; // 1: none of them, or not all of them
    } catch (error) {
      if (!(error instanceof PlatformError) || error.code !== "gone") throw error; // not a machine of that kind
    }
  }
  return undefined;
}
