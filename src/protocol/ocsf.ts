import { z } from "zod";

/**
 * The shapes of the Open Cybersecurity Schema Framework that Edict sends, as far as it uses them: https://schema.ocsf.io,
 * with the profiles `host` and `security_control`. Times are milliseconds since the epoch. What a newer agent adds is kept
 * by the server and not judged.
 */
export const ocsfVersion = "1.9.0-dev";

const text = z.string().max(8192);
const id = z.number().int().nonnegative();
/** Until the year 9999: what every database can hold. */
const time = z.number().int().min(0).max(253_402_300_799_999);

const user = z.object({ name: text.optional(), uid: text.optional() });
const product = z.object({ name: text, vendor_name: text.optional(), version: text.optional(), uid: text.optional() });
const hash = z.object({ algorithm: text.optional(), algorithm_id: id, value: text });
const file = z.object({
  name: text,
  path: text.optional(),
  /** 1 is a regular file. */
  type_id: id,
  size: id.optional(),
  owner: user.optional(),
  hashes: z.array(hash).max(8).optional(),
});
export type OcsfFile = z.infer<typeof file>;

const processRef = z.object({ pid: z.number().int() });
const process = z.object({
  pid: z.number().int(),
  name: text.optional(),
  path: text.optional(),
  /** The program and the script it runs, never what a person typed after them. */
  cmd_line: text.optional(),
  created_time: time.optional(),
  user: user.optional(),
  file: file.optional(),
  session: z.object({ uid: text.optional(), terminal: text.optional() }).optional(),
  parent_process: processRef.optional(),
  working_directory: text.optional(),
});
export type OcsfProcess = z.infer<typeof process>;

const device = z.object({
  uid: text,
  hostname: text.optional(),
  type_id: id,
  os: z.object({ name: text, type_id: id }).optional(),
  is_managed: z.boolean().optional(),
  groups: z
    .array(z.object({ name: text }))
    .max(256)
    .optional(),
});
export type OcsfDevice = z.infer<typeof device>;

const policy = z.object({
  uid: text,
  name: text.optional(),
  desc: text.optional(),
  is_applied: z.boolean().optional(),
});

const metadata = z.object({
  /** UUIDv7, made when the event is spooled: stored once per device and uid. */
  uid: z.uuidv7().optional(),
  version: text,
  product,
  profiles: z.array(text).max(16).optional(),
  /** What became of it, in Edict's word (`Deed`), or what the agent says about itself. */
  event_code: text.optional(),
  /** The outcome's own id. */
  original_event_uid: text.optional(),
  /** The evidence's id: what was told, stopped and quarantined for one reason belongs together. */
  correlation_uid: text.optional(),
});
export type OcsfMetadata = z.infer<typeof metadata>;

/** What OCSF has no field for. Read by the console and by `edict why`. */
const verdict = z.object({
  ban: text.nullable(),
  tool: text.nullable(),
  mode: text,
  grade: text.nullable(),
  stage: z.number().int().nullable(),
  because: z.array(z.object({ rule: text, kind: text.optional(), text })).max(64),
  replacement: z.object({ tool: text, name: text.optional(), url: text.optional() }).nullable(),
  exception: z.object({ until: text }).nullable(),
  did: text,
  until: text.optional(),
  ended: z.array(z.number().int()).max(1024).optional(),
  left: z.array(z.number().int()).max(1024).optional(),
  quarantine: text.optional(),
  error: text.optional(),
});
export type OcsfVerdict = z.infer<typeof verdict>;

const base = {
  metadata,
  time,
  /** Of many alike that are reported together: how many, the first and the last. */
  count: id.optional(),
  start_time: time.optional(),
  end_time: time.optional(),
  severity_id: id,
  activity_id: id,
  type_uid: id,
  message: text.optional(),
  status_id: id.optional(),
  status_detail: text.optional(),
  device,
  /** Security control: 1 allowed, 2 denied, 3 observed. */
  action_id: id.optional(),
  action: text.optional(),
  disposition_id: id.optional(),
  disposition: text.optional(),
  /** 1 low, 3 high. */
  confidence_id: id.optional(),
  is_alert: z.boolean().optional(),
  policy: policy.optional(),
};

export const processActivitySchema = z.object({
  class_uid: z.literal(1007),
  category_uid: z.literal(1),
  ...base,
  actor: z.object({ user: user.optional(), process: processRef.optional() }),
  process,
  unmapped: z.object({ edict: verdict }),
});
export type ProcessActivity = z.infer<typeof processActivitySchema>;

export const softwareInventorySchema = z.object({
  class_uid: z.literal(5020),
  category_uid: z.literal(5),
  ...base,
  actor: z.object({ user: user.optional() }).optional(),
  product: product.optional(),
  package: z
    .object({
      name: text,
      version: text,
      /** npm, pypi, deb … */
      package_manager: text.optional(),
      purl: text.optional(),
    })
    .optional(),
  unmapped: z.object({
    edict: z.union([
      verdict.extend({ path: text.optional() }),
      z.object({ tool: text, role: z.enum(["banned", "replacement"]), present: z.boolean(), path: text.optional() }),
    ]),
  }),
});
export type SoftwareInventory = z.infer<typeof softwareInventorySchema>;

export const applicationLifecycleSchema = z.object({
  class_uid: z.literal(6002),
  category_uid: z.literal(6),
  ...base,
  app: product,
  unmapped: z.object({ edict: z.record(text, z.unknown()) }),
});
export type ApplicationLifecycle = z.infer<typeof applicationLifecycleSchema>;

export const ocsfEventSchema = z.discriminatedUnion("class_uid", [
  processActivitySchema,
  softwareInventorySchema,
  applicationLifecycleSchema,
]);
export type OcsfEvent = z.infer<typeof ocsfEventSchema>;

/** An event as it lies in the spool and crosses the wire: it has its uid. */
export const spooledEventSchema = ocsfEventSchema.refine((event) => event.metadata.uid !== undefined, {
  path: ["metadata", "uid"],
  message: "every event that is sent has a UUIDv7",
});
