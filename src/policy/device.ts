import { z } from "zod";
import { jsonBounds } from "#lib/pure/json.ts";
import { readDocument } from "#policy/parse.ts";
import { instantSchema, osSchema } from "#policy/text.ts";

/** A device as JSON tells of it; every key but the id can be left out. */
export const deviceSchema = z.strictObject({
  /** Sha256 of the device's public key. */
  id: z.string().default(""),
  os: osSchema.default("linux"),
  /** Groups that something signed says it is in. */
  groups: z.array(z.string()).readonly().default([]),
  /** Groups that only its own configuration says it is in: they can ban, and never loosen. */
  claimed: z.array(z.string()).readonly().default([]),
  /** Login name of whoever uses it. */
  person: z.string().default(""),
  /** Tools that were ever present. */
  installed: z.array(z.string()).readonly().default([]),
  /** "dev:ino", such as "8:1:42". */
  vital: z.array(z.string()).readonly().default([]),
  /** Bans whose breaker is open. */
  breakers: z.array(z.string()).readonly().default([]),
  acknowledged: z
    .array(z.strictObject({ ban: z.string(), person: z.string(), until: instantSchema }))
    .readonly()
    .default([]),
  enforcement: z.enum(["policy", "observe"]).default("policy"),
});
export type DeviceText = z.infer<typeof deviceSchema>;

/** One workstation, as far as a verdict depends on it. */
export interface Device extends Omit<DeviceText, "installed" | "vital" | "breakers"> {
  readonly installed: ReadonlySet<string>;
  readonly vital: ReadonlySet<string>;
  readonly breakers: ReadonlySet<string>;
}

/** A device from what was read of it. */
export function deviceOf(text: DeviceText): Device {
  return {
    ...text,
    installed: new Set(text.installed),
    vital: new Set(text.vital),
    breakers: new Set(text.breakers),
  };
}

/** @throws PolicyError */
export function parseDevice(bytes: Uint8Array): Device {
  return deviceOf(readDocument(bytes, deviceSchema, { ...jsonBounds, bytes: 16 * 1024 * 1024 }));
}

/** A device as JSON can say it. */
export function deviceText(device: Device): DeviceText {
  const { installed, vital, breakers } = device;
  return { ...device, installed: [...installed], vital: [...vital], breakers: [...breakers] };
}
