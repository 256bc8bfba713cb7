import { gzipSync } from "node:zlib";
import { packed } from "../device.ts";
import { policyOf } from "../repository.ts";
import { listed, type Content } from "../simulator.ts";
import { asPem } from "../pem.ts";
import { checks, type Attack } from "./attack.ts";
import { fileOf } from "./recorded.ts";

/** Who may say what: arbitrary and wrong installations, and stolen keys. */
export const authority: readonly Attack[] = [
  ...["timestamp", "snapshot", "targets", "group-a", "exceptions"].map((role): Attack => ({
    name: "Arbitrary installation attack",
    does: `${role} that somebody signed who is not trusted with it`,
    mount: ({ sim, publish }) => {
      publish("group-a", "exceptions", "targets");
      sim.role(role).signers = [listed()];
    },
    noticed: `SIGNATURE ${role}`,
    checks: [checks.signatures],
  })),
  {
    name: "Arbitrary installation attack",
    does: "another file in the place of the policy, as long as that",
    mount: async ({ sim, publish, instead }) => {
      sim.targets.targets.set("policy.json", gzipSync(policyOf("new"), { level: 0 }));
      publish("targets");
      instead.set(await fileOf(sim, "policy.json"), gzipSync(policyOf("bad"), { level: 0 }));
    },
    noticed: "MISMATCH policy.json",
    checks: [checks.hash],
  },
  {
    name: "Arbitrary installation attack",
    does: "a snapshot that the timestamp's key signed too, in the timestamp's place",
    mount: async ({ sim, instead }) => {
      sim.snapshot.keys.push(...sim.timestamp.keys);
      await sim.next("root").writeRoot();
      sim.snapshot.version = 9;
      sim.snapshot.extra = { meta: { "snapshot.json": { version: 9 }, "targets.json": { version: 1 } } };
      instead.set("timestamp.json", await sim.bytes("snapshot"));
    },
    noticed: "FORMAT timestamp",
    checks: [checks.type],
  },
  {
    name: "Wrong software installation",
    does: "the catalog in the place of the policy",
    mount: async ({ sim, publish, instead }) => {
      const { targets } = sim.targets;
      targets.set("policy.json", gzipSync("{}1", { level: 0 })).set("catalog.json", gzipSync("{}2", { level: 0 }));
      publish("targets");
      instead.set(await fileOf(sim, "policy.json"), targets.get("catalog.json"));
    },
    noticed: "MISMATCH policy.json",
    checks: [checks.hash],
  },
  {
    name: "Wrong software installation",
    does: "a group signs the policy of another group",
    mount: ({ sim, publish }) => {
      sim.role("group-a").targets.set("groups/b/policy.json", packed("a's for b"));
      publish("group-a");
    },
    noticed: "believed",
    checks: [{ file: "src/trust/delegations.ts", line: "if (!covers(role, path, hash)) continue;", without: "" }],
  },
  {
    name: "Wrong software installation",
    does: "whoever stands behind a group signs the policy that it does not have",
    mount: ({ sim, publish }) => {
      sim
        .delegate("targets", "later", { paths: ["groups/*/policy.json"] })
        .targets.set("groups/c/policy.json", packed("c"));
      publish("targets");
    },
    noticed: "believed",
    checks: [{ file: "src/trust/delegations.ts", line: "if (role.terminating) return", without: "" }],
  },
  {
    name: "Wrong software installation",
    does: "a delegated role says who is in which group",
    mount: ({ sim, publish }) => {
      sim.delegate("targets", "anybody", { paths: ["*"] }).targets.set("devices.json", packed("[]"));
      sim.targets.targets.set("devices.json", packed("{}"));
      publish("targets");
      sim.targets.bend = (content) => ({ ...content, targets: without(content["targets"], "devices.json") });
    },
    noticed: "believed",
    checks: [
      { file: "src/trust/generation.ts", line: 'part.kind === "group" || part.kind === "exceptions") {', without: "{" },
      {
        file: "src/trust/generation.ts",
        line: "...(targets.has(devices) ? [devices] : [])",
        without: "  return [...deviceTargets.map(({ path }) => path), devices];",
      },
    ],
  },
  {
    name: "Vulnerability to key compromises",
    does: "one root key of two makes the next root",
    mount: ({ sim }) => {
      sim.next("root").root.signers = sim.root.keys.slice(0, 1);
      return sim.writeRoot();
    },
    noticed: "SIGNATURE root",
    checks: [checks.signatures],
  },
  {
    name: "Vulnerability to key compromises",
    does: "the root keys make a root that other keys are to follow, which have not signed it",
    mount: ({ sim }) => {
      sim.next("root").root.signers = sim.root.keys;
      sim.root.keys = [listed(), listed()];
      return sim.writeRoot();
    },
    noticed: "SIGNATURE root",
    checks: [
      { file: "src/trust/trusted-set.ts", line: "verifyThreshold(next, next.roles.root, next.keys);", without: "" },
    ],
  },
  {
    name: "Vulnerability to key compromises",
    does: "other root keys, which the old ones have not signed",
    mount: ({ sim }) => {
      sim.next("root").root.keys = [listed(), listed()];
      return sim.writeRoot();
    },
    noticed: "SIGNATURE root",
    checks: [
      { file: "src/trust/trusted-set.ts", line: "verifyThreshold(next, old.roles.root, old.keys);", without: "" },
    ],
  },
  ...["timestamp", "snapshot", "targets"].map((role): Attack => ({
    name: "Vulnerability to key compromises",
    does: `the key of ${role} goes on signing after it was replaced`,
    mount: async ({ sim, publish }) => {
      sim.role(role).signers = sim.role(role).keys;
      sim.role(role).keys = [listed()];
      await sim.next("root").writeRoot();
      publish("targets");
    },
    noticed: `SIGNATURE ${role}`,
    checks: [checks.signatures],
  })),
  ...["targets", "group-a", "exceptions"].map((role): Attack => ({
    name: "Vulnerability to key compromises",
    does: `whoever has both online keys of the server signs ${role}`,
    mount: ({ sim, publish }) => {
      publish("group-a", "exceptions", "targets");
      sim.role(role).signers = [...sim.timestamp.keys, ...sim.snapshot.keys];
    },
    noticed: `SIGNATURE ${role}`,
    checks: [checks.signatures],
  })),
  {
    name: "Our own list",
    does: "one public key under two ids, where two are needed",
    mount: async ({ sim, publish }) => {
      const [key] = sim.targets.keys;
      Object.assign(sim.targets, { keys: [listed(key?.signer), listed(key?.signer, "another name")], threshold: 2 });
      await sim.next("root").writeRoot();
      publish("targets");
    },
    noticed: "SIGNATURE targets",
    checks: [
      { file: "src/trust/verify.ts", line: "signedBy.add(identityOf(verifier.key))", without: "signedBy.add(keyid);" },
    ],
  },
  {
    name: "Our own list",
    does: "one public key once as hex and once as PEM, where two are needed",
    mount: async ({ sim, publish }) => {
      const [key] = sim.targets.keys;
      Object.assign(sim.targets, { keys: [listed(key?.signer), asPem(listed(key?.signer))], threshold: 2 });
      await sim.next("root").writeRoot();
      publish("targets");
    },
    noticed: "SIGNATURE targets",
    checks: [
      {
        file: "src/trust/verify.ts",
        line: "signedBy.add(identityOf(verifier.key))",
        without: 'signedBy.add(key.public ?? "");',
      },
    ],
  },
  {
    name: "Our own list",
    does: "two signatures of one key",
    mount: ({ sim, publish }) => {
      publish("targets");
      sim.targets.tamper = (bytes) => {
        const { signatures, signed } = JSON.parse(bytes.toString()) as {
          signatures: readonly unknown[];
          signed: Content;
        };
        return Buffer.from(JSON.stringify({ signatures: [...signatures, ...signatures], signed }));
      };
      sim.promises = false;
    },
    noticed: "FORMAT targets",
    checks: [{ file: "src/trust/metadata.ts", line: "if (signatures.has(keyid)) throw", without: "" }],
  },
];

function without(members: unknown, name: string): Content {
  return Object.fromEntries(Object.entries(members as Content).filter(([key]) => key !== name));
}
