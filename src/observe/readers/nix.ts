/**
 * Name and version of a store path's last part, as the Nix manual's parseDrvName splits them: at the first dash that no letter
 * follows. `entry`: "<32 characters>-claude-code-2.1.0".
 */
export function parseStoreName(entry: string): { readonly name: string; readonly version?: string } {
  const full = entry.slice(entry.indexOf("-") + 1);
  const at = full.search(/-[^a-zA-Z]/);
  return at <= 0 ? { name: full } : { name: full.slice(0, at), version: full.slice(at + 1) };
}

/** What Nix makes beside a package for building it, not for running it; named after the package and its version. */
export function isBuildInput(version: string | undefined): boolean {
  return /-(?:npm-deps|pnpm-deps|vendor(?:-staging)?|go-modules|yarn-cache|source|src|doc|man|dev|debug)$/.test(
    version ?? "",
  );
}
