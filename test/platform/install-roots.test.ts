import { expect, test } from "vitest";
import { installRoots } from "#platform/linux/install-roots.ts";
import { remoteIn } from "#platform/linux/remote-mounts.ts";

const ann = { name: "ann", uid: 1000, gid: 1000, home: "/home/ann" };
const mountinfo = Buffer.from(
  [
    "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw",
    "61 22 0:51 / /home/ann/nas rw shared:2 - nfs4 server:/export rw,vers=4.2",
    "62 22 0:52 / /home/ann/My\\040Drive rw - fuse.rclone drive: rw",
    "63 22 8:17 / /home/ann/disk rw - fuseblk /dev/sdb1 rw",
    "64 22 0:53 / /net rw - autofs /etc/auto.net rw",
    "a line of another form",
  ].join("\n"),
);

test("what other machines have is known by its filesystem, a local disk is not taken for it", () => {
  expect(remoteIn(mountinfo)).toEqual(["/home/ann/nas", "/home/ann/My Drive", "/net"]);
});

const homeWithout = (remote: readonly string[]) =>
  installRoots([ann], remote).find(({ holds }) => holds === "home")?.without;

test("a home is looked through without what other machines have in it, and not at all where one of them has it", () => {
  expect(homeWithout(remoteIn(mountinfo))).toEqual(["/home/ann/nas", "/home/ann/My Drive"]);
  expect(homeWithout(["/home"])).toEqual(["/home/ann"]);
  expect(homeWithout(["/home/an", "/home/anna"])).toEqual([]);
});
