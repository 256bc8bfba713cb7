import { day } from "../repository.ts";
import { renew } from "../device.ts";
import { checks, type Attack } from "./attack.ts";
import { recorded } from "./recorded.ts";

const hashes = { "with hashes": "MISMATCH", "without hashes": "VERSION" } as const;

/** What is newest, and what belongs together: freezes, rollbacks, mixes, mirrors that keep back, and versions that ran away. */
export const freshness: readonly Attack[] = [
  {
    name: "Indefinite freeze attack",
    does: "the same is shown for ever",
    mount: ({ clock }) => clock.add(3 * day),
    noticed: "EXPIRED timestamp",
    checks: [checks.expiry],
  },
  {
    name: "Indefinite freeze attack",
    does: "the timestamp is always new, and the snapshot always the same",
    mount: ({ sim, clock }) => {
      clock.add(14 * day);
      renew(sim.next("timestamp"), clock, "timestamp");
    },
    noticed: "EXPIRED snapshot",
    checks: [checks.expiry],
  },
  {
    name: "Indefinite freeze attack",
    does: "timestamp and snapshot are always new, and the targets always the same",
    mount: ({ sim, clock }) => {
      clock.add(180 * day);
      renew(sim.next("timestamp", "snapshot"), clock, "timestamp", "snapshot");
    },
    noticed: "EXPIRED targets",
    checks: [checks.expiry],
  },
  {
    name: "Malicious mirror preventing updates",
    does: "a newer root is kept back until the old one expires",
    mount: async ({ sim, clock, instead }) => {
      clock.add(365 * day);
      renew(sim.next("root", "timestamp", "snapshot", "targets"), clock);
      await sim.writeRoot();
      instead.set("2.root.json", undefined);
    },
    noticed: "EXPIRED root",
    checks: [{ file: "src/trust/trusted-set.ts", line: "this.#unexpired(this.#root);", without: "" }],
  },
  ...["snapshot", "targets", "group-a"].map((role): Attack => ({
    name: "Malicious mirror preventing updates",
    does: `a newer ${role} is not there`,
    mount: ({ publish, instead }) => {
      publish("group-a", "targets");
      instead.set(`2.${role}.json`, undefined);
    },
    noticed: `HTTP ${role}`,
    checks: [
      { file: "src/trust/updater.ts", line: 'if (bytes === undefined) throw new TrustError("HTTP"', without: "" },
    ],
  })),
  ...["snapshot", "targets", "group-a"].flatMap((role) =>
    (["with hashes", "without hashes"] as const).map((how): Attack => ({
      name: "Mix-and-match attack",
      does: `yesterday's ${role} among files of today, ${how}`,
      mount: async ({ sim, publish, instead }) => {
        const old = await recorded(sim);
        publish("group-a", "targets");
        sim.promises = how === "with hashes";
        instead.set(`2.${role}.json`, old(`1.${role}.json`));
      },
      noticed: `${hashes[how]} ${role}${how === "with hashes" ? ".json" : ""}`,
      checks: how === "with hashes" ? [checks.hash, checks.length] : [checks.version],
    })),
  ),
  {
    name: "Rollback attack",
    does: "an older timestamp is shown again",
    mount: async ({ sim, publish, device, instead }) => {
      const old = await recorded(sim);
      publish("targets");
      await device.refresh();
      instead.set("timestamp.json", old("timestamp.json"));
    },
    noticed: "ROLLBACK timestamp",
    checks: [checks.rollback],
  },
  {
    name: "Rollback attack",
    does: "whoever has the timestamp's key goes back to an older snapshot",
    mount: async ({ sim, publish, device, instead }) => {
      const old = await recorded(sim);
      publish("targets");
      await device.refresh();
      sim.next("timestamp").snapshot.version = 1;
      for (const name of ["1.snapshot.json", "1.targets.json"]) instead.set(name, old(name));
      sim.promises = false;
    },
    noticed: "ROLLBACK snapshot",
    checks: [checks.rollback],
  },
  ...["targets", "group-a"].map((role): Attack => ({
    name: "Rollback attack",
    does: `whoever has both online keys goes back to older ${role}`,
    mount: async ({ sim, publish, device }) => {
      publish("group-a", "targets");
      await device.refresh();
      publish();
      sim.role(role).version = 1;
    },
    noticed: `ROLLBACK ${role}`,
    checks: [checks.rollback],
  })),
  {
    name: "Rollback attack",
    does: "whoever has both online keys leaves a group out",
    mount: ({ sim, publish }) => {
      publish();
      sim.snapshot.bend = (content) => {
        const { "group-a.json": _, ...meta } = content["meta"] as Record<string, object>;
        return { ...content, meta };
      };
    },
    noticed: "ROLLBACK group-a.json",
    checks: [
      {
        file: "src/trust/trusted-set.ts",
        line: "if (meta === undefined) throw",
        without: "if (meta === undefined) continue;",
      },
    ],
  },
  {
    name: "Our own list",
    does: "the server says without being asked that nothing is new",
    mount: ({ publish, instead }) => {
      publish("targets");
      instead.set("timestamp.json", (_request, response) => void response.writeHead(304).end());
    },
    noticed: "HTTP timestamp.json",
    checks: [checks.redirect],
  },
  ...["garbage", "2026-07-13T00:00:01Z", "2026-07-09T23:59:59Z"].map((issued): Attack => ({
    name: "Our own list",
    does: `the signed time is ${issued}, and the timestamp expires 2026-07-13T00:00:00Z`,
    mount: ({ sim, publish }) => {
      publish();
      sim.timestamp.extra = { x_issued: issued };
    },
    noticed: "FORMAT timestamp",
    checks: [
      {
        file: "src/trust/metadata.ts",
        line: "if (issued !== undefined && (issued > base.expires",
        without: "if (false)",
      },
      {
        file: "src/trust/metadata.ts",
        line: 'signed["x_issued"] === undefined ? undefined',
        without: "    const issued: any = undefined;",
      },
    ],
  })),
];
