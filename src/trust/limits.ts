/** Bounds that hold before anything is read, parsed or unpacked, in bytes. */
export const limits = {
  root: 64 * 1024,
  timestamp: 16 * 1024,
  /** Where the timestamp or the snapshot does not say how long these are. */
  snapshot: 2_000_000,
  targets: 5_000_000,
  /** Whatever they say: 100,000 targets are 14 MB, and are parsed and verified in one piece. */
  signedMetadata: 16 * 1024 * 1024,
  /** A delegated role, whatever the snapshot says of it. */
  delegated: 4 * 1024 * 1024,
  /** What the signed gzip files unpack to; the packed ones may be no longer than that either. */
  policy: 64 * 1024 * 1024,
  catalog: 256 * 1024 * 1024,
  /** Who is in which group: a million devices are 70 MB. */
  devices: 128 * 1024 * 1024,
  /** One department's bans. */
  group: 8 * 1024 * 1024,
  /** One of 256 parts. */
  exceptions: 4 * 1024 * 1024,
} as const;

/** Root versions followed in one refresh (5.3.2, "Y"). */
export const maxRotations = 256;

/** Delegated roles visited in one search (5.6.7.1). */
export const maxDelegations = 32;

/** Keys of one role: each can cost a verification. */
export const maxKeys = 256;
