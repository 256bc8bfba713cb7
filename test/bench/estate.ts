import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadCatalog } from "#cli/catalog.ts";
import type { Clock } from "#lib/clock.ts";
import { createKey, loadKey } from "#publish/keys.ts";
import { publishProposal, signPolicy } from "#publish/proposal.ts";
import { initRepository } from "#publish/repository.ts";
import { startServer } from "#server/start.ts";

/** A real server with one signed policy and the shipped catalog, and a place for an agent. */
export interface Estate {
  readonly folder: string;
  /** Settings that every agent here needs; the rest keeps its default. */
  readonly settings: {
    readonly server: string;
    readonly root: string;
    readonly enrolSecretFile: string;
    readonly state: string;
    readonly run: string;
  };
  /** Another policy is signed, and lies where the server serves it. */
  publish(policy: Uint8Array): Promise<void>;
  /** Takes everything away again. */
  close(): Promise<void>;
}

export async function startEstate(policy: Uint8Array, clock: Clock): Promise<Estate> {
  const folder = mkdtempSync(join(tmpdir(), "edict-bench-"));
  try {
    const data = join(folder, "server");
    const passphrase = "only for this bench";
    const { file } = await createKey({ name: "bench", dir: folder, passphrase });
    const key = await loadKey(file, passphrase);
    const repository = { dir: join(data, "repo"), keysDir: join(data, "keys"), clock };
    const { root } = await initRepository({ ...repository, key });
    writeFileSync(join(folder, "root.json"), root);
    const catalog = Buffer.from(JSON.stringify(await loadCatalog()));
    const publish = async (bytes: Uint8Array): Promise<void> => {
      const proposal = await signPolicy({ repo: repository.dir, policy: bytes, catalog, key, clock });
      await publishProposal({ ...repository, proposal });
    };
    await publish(policy);
    const server = await startServer({ data, listen: "127.0.0.1:0", clock });
    writeFileSync(join(folder, "enrol.secret"), server.enrolSecret, { mode: 0o600 });
    mkdirSync(join(folder, "run"));
    return {
      folder,
      settings: {
        server: server.url,
        root: join(folder, "root.json"),
        enrolSecretFile: join(folder, "enrol.secret"),
        state: join(folder, "state"),
        run: join(folder, "run"),
      },
      publish,
      close: async () => {
        await server.close();
        rmSync(folder, { recursive: true, force: true });
      },
    };
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}
