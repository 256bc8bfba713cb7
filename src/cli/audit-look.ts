import { never } from "#cli/audit-limits.ts";
import { auditRoots } from "#cli/audit-roots.ts";
import { startWalk } from "#cli/audit-walk.ts";
import { AuditRows } from "#cli/audit-rows.ts";
import type { AuditResult } from "#cli/audit-table.ts";
import { CommandError, type Io } from "#cli/command.ts";
import { exitCodes } from "#cli/exit-codes.ts";
import { matcherOfEverything } from "#cli/inventory-policy.ts";
import { formatInstant } from "#lib/pure/instant.ts";
import { atOnce } from "#observe/files.ts";
import { makeScan } from "#observe/scan.ts";
import { attributed } from "#observe/seen.ts";
import type { Walk } from "#observe/walk.ts";
import type { Person, Platform } from "#platform/platform.ts";
import type { Policy } from "#policy/ban.ts";
import { compile, type Matcher } from "#policy/compile.ts";
import { provenTools } from "#policy/decide.ts";
import { deviceOf, deviceSchema } from "#policy/device.ts";
import type { Evidence } from "#policy/evidence.ts";
import type { Catalog } from "#policy/tool.ts";

export interface AuditOptions {
  readonly platform: Platform;
  readonly catalog: Catalog;
  readonly policy: Policy | undefined;
  /** Folders that somebody named. */
  readonly named: readonly string[];
  readonly io: Io;
}

/** One audit: looks, then judges. Ask `progress` while it looks. */
export class Audit {
  readonly #options: AuditOptions;
  #looked = 0;
  readonly #seen: Evidence[] = [];
  #entries: () => number = () => 0;

  constructor(options: AuditOptions) {
    this.#options = options;
  }

  get progress(): string {
    const [entries, looked, found] = [this.#entries(), this.#looked, this.#seen.length].map((n) =>
      n.toLocaleString("en"),
    );
    return `${entries} files and folders, ${looked} looked at, ${found} found`;
  }

  /** @throws CommandError where it was stopped before its end */
  async run(): Promise<{ readonly result: AuditResult; readonly banned: boolean }> {
    const { platform, catalog, policy, io } = this.#options;
    const thread = startWalk(); // while we make ready
    const everything = matcherOfEverything(catalog, policy);
    const { homes, ...missed } = await this.#look(everything, thread.walk).finally(() => thread.close());
    const at = io.clock.now();
    const here = deviceOf(deviceSchema.parse({ os: platform.os }));
    const installed = new Set(this.#seen.flatMap((evidence) => provenTools(everything, evidence.seen, here)));
    const vital = new Set((await platform.vital()).map(({ dev, ino }) => `${dev}:${ino}`));
    const matcher = policy === undefined ? undefined : compile(policy, catalog);
    const people = [...(await platform.people()), ...homes];
    const rows = new AuditRows({
      everything,
      os: platform.os,
      judge: matcher === undefined ? undefined : { matcher, at, device: { ...here, installed, vital } },
      ownerName: (uid) => nameOf(uid, people),
    });
    for (const evidence of this.#seen) rows.add(evidence);
    const result = {
      at: formatInstant(at),
      policy: policy?.name ?? null,
      findings: rows.rows(),
      looked: this.#looked,
      ...missed,
      never,
    };
    return { result, banned: rows.banned };
  }

  async #look(
    everything: Matcher,
    walk: Walk,
  ): Promise<Pick<AuditResult, "unreadable" | "containers"> & { readonly homes: readonly Person[] }> {
    const { platform, named, io } = this.#options;
    const { roots, homes, closed } = await auditRoots(platform, named, io);
    const { scan } = makeScan({
      wanted: everything.wanted,
      roots,
      homes,
      os: platform.os,
      clock: io.clock,
      signal: io.signal,
      files: atOnce,
      walk,
      most: Number.MAX_SAFE_INTEGER, // whoever waits can stop it
      asksFor: (ecosystem, id) => everything.claims(attributed({ package: { ecosystem, id } }), platform.os).length > 0,
    });
    this.#entries = () => scan.entries;
    for await (const evidence of scan) {
      this.#looked += 1;
      if (everything.claims(evidence.seen, platform.os).length > 0) this.#seen.push(evidence);
    }
    if (io.signal.aborted) throw new CommandError(exitCodes.failed[0], "stopped before the audit was complete");
    const { count, named: unread } = scan.unreadable;
    const places = [...closed, ...unread].toSorted((a, b) => (a.path < b.path ? -1 : 1));
    const containers = [...new Set(scan.containers)].toSorted();
    return { homes, containers, unreadable: { count: count + closed.length, named: places } };
  }
}

function nameOf(uid: number | undefined, people: readonly Person[]): string {
  if (uid === 0) return "root";
  return people.find((person) => person.uid === uid)?.name ?? (uid === undefined ? "nobody" : String(uid));
}
