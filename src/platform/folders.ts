/** Names in a folder, bytes one a UTF-16 unit (Latin-1), and how many entries it has in all. Follows no link. */
export interface FolderRead {
  readonly folders: readonly string[];
  /** Links, and the files that were asked for. */
  readonly programs: readonly string[];
  readonly passed: number;
}

/**
 * Reads a folder at once; nothing where there is none. `files`: those that somebody may execute are wanted too.
 * @throws SystemError of open(2)
 */
export type ReadFolder = (folder: string, files: boolean) => FolderRead | undefined;
