import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readAppImage } from "#observe/readers/appimage.ts";
import { seam } from "../observe/readers/seam.ts";
import { homeOf, known, needs, run, saidOf, type Thing } from "./installers.ts";

const debs = ["libappimage1.0abi1", "squashfs-tools", "binutils", "patchelf"];
const programs = ["/usr/bin/python3", "/usr/bin/mksquashfs", "/usr/bin/objcopy", "/usr/bin/patchelf"];

/** What libappimage, which desktops integrate AppImages by, says of programs: `python3 -c … <program>…`. */
const library = `import ctypes, json, sys
lib = ctypes.CDLL("libappimage.so.1.0abi1")
for function in (lib.appimage_get_elf_size, lib.appimage_get_payload_offset): function.restype = ctypes.c_ssize_t
lib.appimage_list_files.restype = ctypes.POINTER(ctypes.c_char_p)
for path in sys.argv[1:]:
    name = path.encode()
    files, found = lib.appimage_list_files(name), []
    while files[len(found)] is not None: found.append(files[len(found)].decode())
    said = { "size": lib.appimage_get_elf_size(name), "type": lib.appimage_get_type(name, False), "files": sorted(found) }
    print(json.dumps({ **said, "offset": lib.appimage_get_payload_offset(name) if said["type"] == 2 else -1 }))
`;

/** Programs to stand in for the one that mounts the files: this machine's own, and one whose last section lies behind their table. */
const runtimes: readonly (readonly [of: string, command: readonly string[] | undefined])[] = [
  ["a program", undefined],
  ["a program that patchelf has changed", ["/usr/bin/patchelf", "--set-rpath", "/x".repeat(200)]],
];

test.for(runtimes)(
  "an AppImage of %s is what libappimage says it is, and whose it says",
  async ([of, change], context) => {
    needs(context, debs, programs);
    const home = homeOf(`appimage-${of.replaceAll(" ", "-")}`);
    const ask = (path: string) => JSON.parse(run(home, ["/usr/bin/python3", "-c", library, path]));
    const [runtime, files, text] = [join(home, "runtime"), join(home, "AppDir"), join(home, "update")];
    writeFileSync(text, "gh-releases-zsync|getcursor|cursor|latest|Cursor-*.zsync".padEnd(1024, "\0"));
    const section = ["--add-section", `.upd_info=${text}`, "--set-section-flags", ".upd_info=noload,readonly"];
    run(home, ["/usr/bin/objcopy", ...section, "/bin/true", runtime]);
    if (change !== undefined) run(home, [...change, runtime]);
    const marked = readFileSync(runtime);
    marked.write("AI\x02", 8, "latin1");
    writeFileSync(runtime, marked);

    mkdirSync(files);
    writeFileSync(join(files, "AppRun"), "#!/bin/sh\n", { mode: 0o755 });
    run(home, ["/usr/bin/mksquashfs", files, join(home, "squashfs"), "-root-owned", "-noappend", "-quiet"]);
    const image = join(home, "Applications/Notes.AppImage");
    mkdirSync(join(home, "Applications"));
    const { size } = ask(runtime);
    writeFileSync(image, Buffer.concat([marked.subarray(0, size), readFileSync(join(home, "squashfs"))]), {
      mode: 0o755,
    });
    expect(ask(image)).toEqual({ type: 2, size, offset: size, files: ["AppRun"] });

    const bytes = readFileSync(image);
    expect(seam(bytes, readAppImage(bytes.length))).toMatchObject({
      offset: size,
      update: { project: "getcursor/cursor" },
    });
    const cursor: Thing = { kind: "package", ecosystem: "appimage", id: "getcursor/cursor", version: "-" };
    expect(await saidOf(cursor, home, image)).toEqual(known(cursor));
  },
);
