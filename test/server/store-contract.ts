import { beforeAll, describe, expect, test } from "vitest";
import { instantOf } from "#lib/pure/instant.ts";
import { deviceIdSchema, type DeviceId } from "#protocol/enrolment.ts";
import { uuid7 } from "#lib/uuid7.ts";
import type { NewReport, Store } from "#server/store/store.ts";

export const at = instantOf(1_783_641_600_000);
const uid = uuid7({ now: () => at });
let devices = 0;

function newId(): DeviceId {
  devices += 1;
  return deviceIdSchema.parse(devices.toString(16).padStart(64, "0"));
}

const about = (id: DeviceId) => ({
  id,
  publicKey: "A".repeat(43),
  hostname: "ann-laptop",
  os: "linux",
  agentVersion: "1",
});

export function report(more: Partial<NewReport> = {}): NewReport {
  const names = { did: "stopped", ban: "claude-code", tool: "claude-code", mode: "block", person: "ann" };
  return { uid: uid(), time: at, classUid: 1007, ...names, message: null, event: "{}", ...more };
}

/** What every store does, whichever database is behind it. `open` gives the same one each time. */
export function storeContract(name: string, open: () => Promise<Store>): void {
  describe(`a store in ${name}`, () => {
    let store: Store;
    beforeAll(async () => {
      store = await open();
    });
    const device = async (): Promise<DeviceId> => {
      const id = newId();
      await store.enrol(about(id), at);
      return id;
    };

    test("knows a device by its id, and takes what it says about itself later", async () => {
      const id = newId();
      expect(await store.device(id)).toBeUndefined();
      expect(await store.enrol(about(id), at)).toBe(true);
      const later = instantOf(at + 1_500);
      expect(await store.enrol({ ...about(id), hostname: null, agentVersion: "2" }, later)).toBe(false);
      expect(await store.device(id)).toEqual({
        ...about(id),
        hostname: null,
        agentVersion: "2",
        enrolledAt: at,
        seenAt: later,
      });
    });

    test("lists devices page by page", async () => {
      const ids = [await device(), await device(), await device()].toSorted();
      const found: string[] = [];
      for (let after: string | undefined, more = true; more;) {
        const page = await store.devices({ after, limit: 2 });
        found.push(...page.map((d) => d.id));
        after = page.at(-1)?.id ?? after;
        more = page.length > 0;
      }
      expect(found).toEqual(found.toSorted());
      expect(found).toEqual(expect.arrayContaining(ids));
    });

    test("keeps a report once per device and uid, within a batch and across them", async () => {
      const [one, two] = [await device(), await device()];
      const first = report();
      expect(await store.saveReports(one, [first, first], at)).toBe(1);
      expect(await store.saveReports(one, [first, report()], at)).toBe(1);
      expect(await store.saveReports(two, [first], at)).toBe(1);
      expect(await store.saveReports(two, [], at)).toBe(0);
    });

    test("gives a report back as it came", async () => {
      const id = await device();
      const odd = report({
        event: '{"a":"\\u0000 \\ud800 漢字 🦊"}',
        person: "o'brien\0\u{d800}",
        message: "'; drop table reports; --",
        ban: null,
        time: instantOf(253_402_300_799_000),
      });
      await store.saveReports(id, [odd], at);
      const [found] = await store.latestReports(1);
      expect(found).toMatchObject({ ...odd, person: "o'brien\u{fffd}\u{fffd}", device: id, receivedAt: at });
    });

    test("a batch with something that cannot be stored changes nothing", async () => {
      const before = (await store.counts()).reports;
      await expect(store.saveReports(newId(), [report()], at)).rejects.toThrow(/foreign key/);
      const id = await device();
      await expect(store.saveReports(id, [report(), report({ uid: "no uuid" })], at)).rejects.toThrow(/uuid/);
      expect((await store.counts()).reports).toBe(before);
      expect(await store.saveReports(id, [report()], at)).toBe(1);
    });

    test("writers at the same time leave each report once, in an order that a reader can follow", async () => {
      const ids = await Promise.all(Array.from({ length: 4 }, device));
      const shared = Array.from({ length: 20 }, () => report());
      const [{ seq: start } = { seq: 0 }] = await store.latestReports(1);
      const seen = new Map<number, string>();
      let reading = true;
      const reader = (async () => {
        for (let since = start; ;) {
          const last = !reading;
          const page = await store.reports({ since, limit: 7 });
          for (const r of page) seen.set(r.seq, `${r.device} ${r.uid}`);
          since = page.at(-1)?.seq ?? since;
          if (last && page.length === 0) return;
        }
      })();
      const writers = ids.flatMap((id) =>
        Array.from({ length: 5 }, (_, i) => store.saveReports(id, shared.slice(i, i + 12), at)),
      );
      const failing = Array.from({ length: 5 }, () =>
        store.saveReports(newId(), [report()], at).then(
          () => "stored",
          () => "refused",
        ),
      );
      expect((await Promise.all(writers)).reduce((sum, n) => sum + n)).toBe(4 * 16);
      expect(new Set(await Promise.all(failing))).toEqual(new Set(["refused"]));
      reading = false;
      await reader;
      expect(seen.size).toBe(4 * 16);
      expect(new Set(seen.values()).size).toBe(4 * 16);
      expect([...seen.keys()]).toEqual([...seen.keys()].toSorted((a, b) => a - b));
    });

    test("keeps a request once per device and id", async () => {
      const id = await device();
      const request = {
        id: uid(),
        ban: "claude-code",
        person: "ann",
        reason: "a\0demo",
        at: "2026-07-10T08:00:00+08:00",
      };
      expect(await store.saveRequest(id, request, at)).toBe(true);
      expect(await store.saveRequest(id, request, at)).toBe(false);
      const [found] = await store.latestRequests(1);
      expect(found).toMatchObject({
        id: request.id,
        device: id,
        reason: "a\u{fffd}demo",
        at: "2026-07-10T00:00:00.000Z",
      });
      const all = await store.requests({ since: (found?.seq ?? 0) - 1, limit: 10 });
      expect(all).toEqual([found]);
      expect((await store.counts()).requests).toBeGreaterThan(0);
    });
  });
}
