import { readRepository, type Current } from "#publish/current.ts";
import { examine } from "#publish/examine.ts";
import { proposalBytes, type Proposal } from "#publish/proposal-file.ts";
import { signProposal } from "#publish/proposal.ts";
import { initRepository } from "#publish/repository.ts";
import { newSigner, type Signer } from "#publish/signer.ts";
import { server, type TestServer } from "./harness.ts";

export interface Hosted {
  readonly here: TestServer;
  readonly people: readonly [Signer, Signer];
  readonly root: Uint8Array;
  readonly current: () => Promise<Current>;
  readonly push: (proposal: Proposal, ...signers: readonly Signer[]) => Promise<readonly unknown[]>;
}

/** A server with a repository of two signers of two, and whoever signs and pushes to it from outside. */
export async function hosted(): Promise<Hosted> {
  const here = await server();
  const people = [newSigner(), newSigner("ecdsa-p256")] as const;
  const { repo: dir, keys: keysDir } = here.paths;
  const signers = { key: people[0], rootSigners: people, targetsSigners: people, threshold: 2 };
  const { root } = await initRepository({ dir, keysDir, clock: here.clock, ...signers });
  const current = (): Promise<Current> => readRepository({ repo: `${here.url}/repo/`, root, clock: here.clock });
  return {
    here,
    people,
    root,
    current,
    push: async (proposal, ...others) => {
      const now = await current();
      let done = proposal;
      for (const signer of others)
        done = await signProposal(examine(done, { root: now.set.root, current: now }), signer);
      const body = new Uint8Array(proposalBytes(done));
      const answer = await fetch(`${here.url}/api/v1/proposals`, { method: "POST", body });
      const told = (await answer.json()) as { error?: { code: string } };
      return [answer.status, told.error?.code ?? told];
    },
  };
}
