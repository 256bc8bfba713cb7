import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { readRepository, type Current } from "#publish/current.ts";
import { examine } from "#publish/examine.ts";
import { newOnlineKey, onlineKeys } from "#publish/online-keys.ts";
import { proposeDelegation } from "#publish/delegate.ts";
import { proposeGroupPolicy, proposePolicy, type NewContents } from "#publish/propose-policy.ts";
import { proposeRepository } from "#publish/propose-root.ts";
import type { Proposal } from "#publish/proposal-file.ts";
import { publishProposal, signProposal } from "#publish/proposal.ts";
import type { Released } from "#publish/release.ts";
import { proposeRotation, type KeyChange } from "#publish/rotate.ts";
import { newSigner, type Signer } from "#publish/signer.ts";
import { versionAfter } from "#publish/versions.ts";
import { openClient, type Client, type ClientOptions } from "#trust/client.ts";
import { temporaryFolder } from "../lib/temporary.ts";
import { serve } from "../lib/web.ts";
import { emptyCatalog, TestClock } from "../trust/repository.ts";

/** A ban that allows exceptions of ten days, and one that allows none. */
export function policyWith(name: string): Buffer {
  const stages = [{ from: "2026-07-01T00:00:00Z", mode: "block" }];
  const bans = [
    { id: "anydesk", tool: "anydesk", stages, exceptions: { max: "P10D" } },
    { id: "never", tool: "anydesk", stages, exceptions: "never" },
    { id: "unsaid", tool: "anydesk", stages },
  ];
  return Buffer.from(JSON.stringify({ name, bans, tools: [tool("anydesk")] }));
}

export function groupPolicy(group: string, name: string): Buffer {
  const stages = [{ from: "2026-07-01T00:00:00Z", mode: "notify" }];
  const bans = [{ id: `${group}/vnc`, tool: `${group}/vnc`, stages, exceptions: { max: "P5D" } }];
  return Buffer.from(JSON.stringify({ name, bans, tools: [tool(`${group}/vnc`)] }));
}

function tool(id: string): object {
  return { id, name: id, vendor: "example", identities: [{ kind: "name", name: "anydesk" }] };
}

export interface Office {
  readonly dir: string;
  readonly keysDir: string;
  readonly clock: TestClock;
  readonly url: string;
  /** What devices are installed with. */
  readonly root: Buffer;
  readonly people: Readonly<Record<"ann" | "bob" | "cho" | "dee" | "eve", Signer>>;
  readonly current: () => Promise<Current>;
  readonly signed: (proposal: Proposal, ...signers: readonly Signer[]) => Promise<Proposal>;
  /** Signed by these, and published. */
  readonly push: (proposal: Proposal, ...signers: readonly Signer[]) => Promise<Released>;
  readonly policy: (next: NewContents, ...signers: readonly Signer[]) => Promise<Released>;
  readonly delegate: (role: string, keys: readonly Signer[], threshold?: number) => Promise<Released>;
  readonly group: (name: string, policy: Uint8Array, ...signers: readonly Signer[]) => Promise<Released>;
  readonly rotation: (changes: Readonly<Record<string, KeyChange>>) => Promise<Proposal>;
  /** New keys of the server's own for these roles, saved as `edict trust rotate` does. */
  onlineChanges(...roles: readonly ("snapshot" | "timestamp" | "exceptions")[]): Promise<Record<string, KeyChange>>;
  readonly client: (options?: Partial<ClientOptions>) => Promise<Client>;
}

/** Ann, Bob and Cho sign for all, two of them; Dee and Eve are to sign for departments. A first policy is in force. */
export async function office(): Promise<Office> {
  const base = await temporaryFolder();
  const [dir, keysDir, clock] = [join(base, "repo"), join(base, "keys"), new TestClock("2026-07-10T00:00:00Z")];
  const people = {
    ann: newSigner(),
    bob: newSigner("ecdsa-p256"),
    cho: newSigner(),
    dee: newSigner(),
    eve: newSigner(),
  };
  const { ann, bob, cho } = people;
  const web = await serve((request, response) => {
    readFile(join(dir, decodeURIComponent(request.url ?? "/"))).then(
      (bytes) => response.end(bytes),
      () => response.writeHead(404).end(),
    );
  });
  const current = (): Promise<Current> => readRepository({ repo: dir, clock });
  const signed = async (proposal: Proposal, ...signers: readonly Signer[]): Promise<Proposal> => {
    const now = await current();
    let done = proposal;
    for (const signer of signers)
      done = await signProposal(examine(done, { root: now.set.root, current: now }), signer);
    return done;
  };
  const push = async (proposal: Proposal, ...signers: readonly Signer[]): Promise<Released> =>
    publishProposal({ dir, keysDir, clock, proposal: await signed(proposal, ...signers) });

  const keys = [ann.key, bob.key, cho.key];
  let first = await proposeRepository({ rootKeys: keys, targetsKeys: keys, threshold: 2, keysDir, clock });
  for (const signer of [ann, bob])
    first = await signProposal(examine(first, { root: undefined, current: undefined }), signer);
  await publishProposal({ dir, keysDir, clock, proposal: first, create: true });
  await push(
    proposePolicy({ policy: policyWith("first"), catalog: emptyCatalog }, await current(), clock.now()),
    ann,
    bob,
  );

  return {
    dir,
    keysDir,
    clock,
    url: web.url,
    root: await readFile(join(dir, "1.root.json")),
    people,
    current,
    signed,
    push,
    policy: async (next, ...signers) => push(proposePolicy(next, await current(), clock.now()), ...signers),
    delegate: async (role, signers, threshold = 1) => {
      const delegation = { role, keys: signers.map(({ key }) => key), threshold };
      return push(proposeDelegation(delegation, await current(), clock.now()), ann, bob);
    },
    group: async (name, policy, ...signers) =>
      push(proposeGroupPolicy(name, policy, await current(), clock.now()), ...signers),
    rotation: async (changes) =>
      proposeRotation({
        current: await current(),
        now: clock.now(),
        changes: new Map(Object.entries(changes)),
        begin: (role, version) => versionAfter(version, role, dir, true),
      }),
    onlineChanges: async (...roles) => {
      const changes: Record<string, KeyChange> = {};
      for (const role of roles) {
        const former = await onlineKeys(keysDir, role);
        const key = newOnlineKey(role);
        await key.save(keysDir);
        changes[role] = { add: [key.key], remove: former.map(({ keyid }) => keyid), threshold: 1 };
      }
      return changes;
    },
    client: async (options = {}) => {
      const store = join(await temporaryFolder(), "store");
      const bootstrap = await readFile(join(dir, "1.root.json"));
      const client = openClient({
        dir: store,
        url: web.url,
        bootstrap,
        clock,
        groups: [],
        shard: undefined,
        ...options,
      });
      onTestFinished(() => client.close());
      return client;
    },
  };
}

/** Two devices: one that has followed from the beginning, and at each look a new one. Both have to see the same. */
export async function followers(
  { client }: Office,
  following: Partial<ClientOptions> = {},
): Promise<
  () => Promise<{ readonly policy: string; readonly groups: Record<string, string>; readonly exceptions: unknown }>
> {
  const old = await client(following);
  await old.activated(await old.refresh());
  return async () => {
    const [one, other] = [await old.refresh(), await (await client(following)).refresh()];
    if (one.id !== other.id) throw new Error("an old device and a new one do not see the same");
    await old.activated(one);
    return {
      policy: nameOf(one.policy),
      groups: Object.fromEntries([...one.groups].map(([group, bytes]) => [group, nameOf(bytes)])),
      exceptions: one.exceptions && JSON.parse(Buffer.from(one.exceptions).toString()).exceptions,
    };
  };
}

function nameOf(bytes: Uint8Array): string {
  return (JSON.parse(Buffer.from(bytes).toString()) as { name: string }).name;
}
