/** statfs(2) `f_type` of filesystems whose files can be written to: linux/magic.h, and f2fs's and xfs's own headers. */
const written: ReadonlySet<number> = new Set([
  0xef53, // ext2, ext3, ext4
  0x58465342, // xfs
  0x9123683e, // btrfs
  0xf2f52010, // f2fs: by its source, not tried
]);
/** Of those that cannot. */
const readOnly: ReadonlySet<number> = new Set([
  0xe0f5e1e2, // erofs
  0x73717368, // squashfs
  0x9660, // iso9660
]);

/**
 * Whether a file's stamp (device, inode, size, mtime, ctime) says that its content is what was read under the same stamp, by
 * the filesystem's `f_type` from statfs(2). So only where the first store to a page through a mapping sets mtime and ctime
 * (`vm_operations_struct.page_mkwrite`), or where nothing can be written. Not tmpfs and ramfs, where a page that was read
 * through the mapping is written to without a trace; not overlay, FUSE and NFS, where others write below or elsewhere; not
 * what nobody looked at. What this takes for granted: the reading was `settled`, and nobody had the file open for writing
 * when it began (`bindNoWriter`), for further stores to a page leave no trace anywhere until it is written back; and nobody
 * writes to the block device below the filesystem.
 */
export function believable(type: number): boolean {
  return written.has(type) || readOnly.has(type);
}

/** More than a tick of the kernel's clock at its slowest (CONFIG_HZ=100), in milliseconds. */
const tick = 20;

/**
 * Whether a file that was last changed at `ctime` will show any further change in its stamp: two changes within a tick of the
 * kernel's clock may get the same time (before Linux 6.13, and later on filesystems without FS_MGTIME).
 * Both in milliseconds since the epoch; a ctime from the future is not settled.
 */
export function settled(ctime: number, now: number): boolean {
  return ctime < now - tick;
}
