import { readAppImage } from "#observe/readers/appimage.ts";
import type { Section } from "#observe/readers/elf.ts";
import { readElfGoBuild, readGoBuild, type GoBuild } from "#observe/readers/go-buildinfo.ts";
import type { SignedForm } from "#observe/readers/signature.ts";
import type { Reads } from "#observe/reads.ts";
import type { PackageSeen } from "#policy/evidence.ts";

/** Ecosystems whose packages a program names in its own bytes, whatever it is called and wherever it lies. */
const ecosystems = ["go", "appimage"] as const;
type SelfNamed = (typeof ecosystems)[number];

/** Those of them that some identity asks for. */
export function selfNamed(wanted: ReadonlySet<string>): readonly SelfNamed[] {
  return ecosystems.filter((ecosystem) => wanted.has(ecosystem));
}

/** A name in a program is as long as whoever made it likes; real ones have some dozens of characters. */
const longest = 1000;

/** What is known of a program by its first bytes and its sections. */
interface Known {
  readonly form: SignedForm | undefined;
  readonly image: boolean;
  readonly sections: readonly Section[];
  readonly size: number;
}

/** The packages that a program names in its own bytes, of those ecosystems that are `asked` for. Nothing vouches for them. */
export function* readSelfNamed(asked: readonly SelfNamed[], known: Known): Reads<readonly PackageSeen[]> {
  const { form, image, sections, size } = known;
  const found: PackageSeen[] = [];
  if (asked.includes("go")) {
    const build = form === undefined ? yield* readElfGoBuild(sections, size) : yield* readGoBuild(size);
    if (build !== undefined) found.push(...modulesOf(build));
  }
  if (image && asked.includes("appimage")) {
    const project = (yield* readAppImage(size))?.update?.project;
    if (project !== undefined) found.push({ ecosystem: "appimage", id: project });
  }
  return found.filter(({ id, version = "" }) => id.length <= longest && version.length <= longest);
}

/** A module, and the package in it that was built: people know some programs by the one, some by the other. */
function modulesOf({ path, module = path, version }: GoBuild): readonly PackageSeen[] {
  const released = version === undefined || version === "(devel)" ? {} : { version };
  return [...new Set([module, path])].map((id) => ({ ecosystem: "go", id, ...released }));
}
