import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { audited, homeOf, known, needs, run, saidOf, type Thing } from "./installers.ts";

const flatpak = "/usr/bin/flatpak";
const zed: Thing = { kind: "package", ecosystem: "flatpak", id: "dev.zed.Zed", version: "0.180.2" };
const runtime = "runtime=org.example.Platform/x86_64/1\nsdk=org.example.Sdk/x86_64/1\n";

/** A repository with an application and the runtime that it wants, added as a remote. `info`: where the application has its AppStream file. */
function remote(home: string, info: string): void {
  const [app, base] = [join(home, "app"), join(home, "base")];
  for (const folder of [
    join(app, "files/bin"),
    join(app, "files/share", info, ".."),
    join(app, "export"),
    join(base, "files"),
  ])
    mkdirSync(folder, { recursive: true });
  writeFileSync(join(app, "files/bin/zed"), "#!/bin/sh\necho 0.180.2\n", { mode: 0o755 });
  const releases = '<releases><release version="0.180.2" date="2026-01-01"/></releases>';
  writeFileSync(join(app, "files/share", info), `<component><id>dev.zed.Zed</id>${releases}</component>\n`);
  writeFileSync(join(app, "metadata"), `[Application]\nname=dev.zed.Zed\n${runtime}command=zed\n`);
  writeFileSync(join(base, "metadata"), `[Runtime]\nname=org.example.Platform\n${runtime}`);
  const repository = join(home, "repository");
  run(home, [flatpak, "build-export", "--disable-sandbox", repository, app, "stable"]);
  run(home, [flatpak, "build-export", "--disable-sandbox", "--runtime", "--files=files", repository, base, "1"]);
  run(home, [flatpak, "--user", "remote-add", "--no-gpg-verify", "here", repository]);
}

test.for(["metainfo/dev.zed.Zed.metainfo.xml", "metainfo/dev.zed.Zed.appdata.xml", "appdata/dev.zed.Zed.appdata.xml"])(
  "what Flatpak deploys is found, with the version that its %s has, and its program is its",
  async (info, context) => {
    needs(context, ["flatpak"], [flatpak]);
    const home = homeOf(`flatpak-${info.replaceAll("/", "-")}`);
    remote(home, info);
    run(home, [flatpak, "--user", "install", "--assumeyes", "--noninteractive", "here", "dev.zed.Zed"]);
    const program = join(home, ".local/share/flatpak/app/dev.zed.Zed/current/active/files/bin/zed");
    expect(await saidOf(zed, home, program)).toEqual(known(zed));
    run(home, [flatpak, "--user", "uninstall", "--assumeyes", "--noninteractive", "dev.zed.Zed"]);
    expect(await audited(zed, home)).toEqual([]);
  },
);
