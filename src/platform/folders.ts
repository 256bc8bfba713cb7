/** Folders to be read, their bytes one a UTF-16 unit (Latin-1); `files`: those that somebody may execute are wanted too. */
export interface FoldersAsked {
  readonly folders: readonly string[];
  readonly files: boolean;
}

/** Names in a folder, bytes one a UTF-16 unit, and how many entries it has in all. Follows no link. */
export interface FolderRead {
  readonly folders: readonly string[];
  /** Links, and the files that were asked for. */
  readonly programs: readonly string[];
  readonly passed: number;
}

/** Why a folder could not be read: a code of open(2), where there is one, and words. */
export interface FolderUnread {
  readonly code: string | undefined;
  readonly unread: string;
}

/** One for each folder; undefined where there is none. */
export type FolderAnswers = readonly (FolderRead | FolderUnread | undefined)[];

/** Reads folders in a thread of its own, as fast as this system gives them. */
export interface FolderReader {
  /** Rejects where its thread ends. */
  read(asked: FoldersAsked): Promise<FolderAnswers>;
  /** Ends when what was asked is read. */
  close(): Promise<void>;
}
