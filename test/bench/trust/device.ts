/** One device's looks at a repository: who looks remembers only what lies in its folder, or what it keeps while it runs. */
export interface Device {
  /** With an empty folder: everything that it uses is there and verified afterwards. */
  first(): Promise<void>;
  /** The whole workflow again, and what it has verified again. */
  again(): Promise<void>;
  close(): void;
}

export interface Place {
  /** The device's own folder, made when it is needed. */
  readonly dir: string;
  readonly url: string;
  /** A file: the bootstrap root. */
  readonly root: string;
  readonly groups: readonly string[];
  readonly shard?: string;
}
