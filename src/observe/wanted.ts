import type { Needle } from "#policy/evidence.ts";

/** What the policy in force needs to have read (policy/compile.ts makes it), so that nothing is read for nothing. */
export interface Wanted {
  /** File sizes that some hash identity has. */
  readonly sizes: ReadonlySet<number>;
  /** Every string of every marker, also those that must be absent. */
  readonly needles: readonly Needle[];
  /** Config files and folders, "~/" for each home. */
  readonly configs: readonly { readonly path: string; readonly os?: string | readonly string[] | undefined }[];
  /** Whether some path is proof, by the administrator's word. */
  readonly pathProof: boolean;
}
