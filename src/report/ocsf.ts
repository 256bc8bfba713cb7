import { version } from "#lib/version.ts";
import { parseInstant, type Instant } from "#lib/pure/instant.ts";
import type { Evidence } from "#policy/evidence.ts";
import type { Outcome } from "#policy/outcome.ts";
import type { Warning } from "#protocol/status.ts";
import {
  ocsfVersion,
  type ApplicationLifecycle,
  type OcsfDevice,
  type OcsfEvent,
  type OcsfMetadata,
  type ProcessActivity,
  type SoftwareInventory,
} from "#protocol/ocsf.ts";
import { clip, ofProcess, subjectFile, userOf } from "#report/ocsf-subject.ts";
import { controlOf, messageOf, verdictOf } from "#report/ocsf-verdict.ts";

/** This device, as every event names it. */
export interface DeviceInfo {
  readonly id: string;
  readonly hostname?: string | undefined;
  readonly os: "linux" | "macos" | "windows";
  readonly groups?: readonly string[] | undefined;
}

/** The agent about itself: never about what people run (law 9). */
export interface Health {
  readonly kind: "health";
  /** ISO 8601. */
  readonly at: string;
  readonly what: "started" | "stopping" | "state";
  readonly warnings: readonly Warning[];
  /** Versions, counters and states, as JSON values: policy version, staleness, what the spool dropped … */
  readonly facts: Readonly<Record<string, unknown>>;
}

/** A tool of the policy — banned, or a replacement — is installed here, or is no longer. */
export interface Inventory {
  readonly kind: "inventory";
  readonly at: string;
  /** The catalog's id and name. */
  readonly tool: string;
  readonly name: string;
  readonly role: "banned" | "replacement";
  readonly present: boolean;
  readonly package?: { readonly ecosystem: string; readonly id: string; readonly version?: string | undefined };
  readonly path?: string | undefined;
}

/** Of an outcome that stands for others like it: how many there were, itself included, and since when. */
export interface Repetition {
  readonly times: number;
  readonly since: Instant;
}

/**
 * What became of something, as an OCSF event: a program → 1007 Process Activity, something installed → 5020 Software
 * Inventory, the agent itself → 6002 Application Lifecycle. `metadata.uid` comes when the event is spooled.
 * Only matches become events: undefined where the verdict names no ban (law 9).
 */
export function toEvent(subject: Outcome, device: DeviceInfo, repeated?: Repetition): OcsfEvent | undefined;
export function toEvent(subject: Health | Inventory, device: DeviceInfo): OcsfEvent;
export function toEvent(
  subject: Outcome | Health | Inventory,
  device: DeviceInfo,
  repeated?: Repetition,
): OcsfEvent | undefined {
  if ("kind" in subject) return subject.kind === "health" ? ofHealth(subject, device) : ofInventory(subject, device);
  if (subject.verdict.ban === null) return undefined;
  const event = subject.evidence.process === undefined ? ofInstalled(subject, device) : ofLaunch(subject, device);
  if (repeated === undefined) return event;
  const { times, since } = repeated;
  return {
    ...event,
    count: times,
    start_time: since,
    end_time: event.time,
    message: `${event.message}, ${times} times`,
  };
}

function ofLaunch(outcome: Outcome, device: DeviceInfo): ProcessActivity | SoftwareInventory {
  const process = ofProcess(outcome.evidence);
  if (process === undefined) return ofInstalled(outcome, device);
  const ppid = outcome.evidence.process?.ppid;
  return {
    class_uid: 1007,
    category_uid: 1,
    activity_id: 1, // Launch
    type_uid: 100701,
    ...common(outcome, device),
    actor: {
      user: userOf(outcome.evidence.process) ?? { name: "unknown" },
      ...(ppid !== undefined && { process: { pid: ppid } }),
    },
    process,
    unmapped: { edict: verdictOf(outcome) },
  };
}

function ofInstalled(outcome: Outcome, device: DeviceInfo): SoftwareInventory {
  const { evidence } = outcome;
  const path = (evidence.script ?? evidence.file)?.path;
  const file = subjectFile(evidence);
  return {
    class_uid: 5020,
    category_uid: 5,
    activity_id: 1, // Log
    type_uid: 502001,
    ...common(outcome, device),
    product: { name: clip(outcome.verdict.notice?.tool ?? outcome.verdict.tool ?? file?.name ?? "unknown", 512) },
    ...packageOf(evidence),
    unmapped: { edict: { ...verdictOf(outcome), ...(path !== undefined && { path: clip(path) }) } },
  };
}

function ofInventory(item: Inventory, device: DeviceInfo): SoftwareInventory {
  return {
    class_uid: 5020,
    category_uid: 5,
    activity_id: 1,
    type_uid: 502001,
    time: parseInstant(item.at),
    severity_id: 1,
    message: `${clip(item.name, 512)} ${item.present ? "is installed" : "is no longer installed"}`,
    device: deviceOf(device),
    metadata: metadataOf({ event_code: item.present ? "installed" : "gone" }),
    product: { name: clip(item.name, 512), uid: clip(item.tool, 512) },
    ...(item.package !== undefined && ofPackage(item.package)),
    unmapped: {
      edict: {
        tool: clip(item.tool),
        role: item.role,
        present: item.present,
        ...(item.path !== undefined && { path: clip(item.path) }),
      },
    },
  };
}

const worst = { info: 1, warning: 3, error: 4 } as const; // Informational, Medium, High

function ofHealth(health: Health, device: DeviceInfo): ApplicationLifecycle {
  const activity = { started: 3, stopping: 4, state: 99 }[health.what]; // Start, Stop, Other
  const failing = health.warnings.some((warning) => warning.severity === "error");
  return {
    class_uid: 6002,
    category_uid: 6,
    activity_id: activity,
    type_uid: 600200 + activity,
    time: parseInstant(health.at),
    severity_id: health.warnings.reduce((most, warning) => Math.max(most, worst[warning.severity]), 1),
    status_id: failing ? 2 : 1,
    message: clip(["agent", health.what, ...health.warnings.map((w) => w.code)].join(" "), 2048),
    device: deviceOf(device),
    metadata: metadataOf({ event_code: health.what }),
    app: { name: "Edict agent", vendor_name: "Edict", version },
    unmapped: { edict: { ...health.facts, warnings: health.warnings.slice(0, 64) } },
  };
}

function common(outcome: Outcome, device: DeviceInfo) {
  const { verdict } = outcome;
  return {
    time: parseInstant(outcome.at),
    ...controlOf(outcome),
    message: messageOf(outcome),
    device: deviceOf(device),
    metadata: metadataOf({
      event_code: outcome.did,
      original_event_uid: outcome.id,
      ...(verdict.evidence[0] !== undefined && { correlation_uid: verdict.evidence[0] }),
    }),
    policy: {
      uid: clip(verdict.ban ?? ""),
      name: clip(verdict.notice?.tool ?? verdict.tool ?? verdict.ban ?? ""),
      ...(verdict.notice !== null && { desc: clip(verdict.notice.reason) }),
      is_applied: verdict.mode !== "allow",
    },
  };
}

function metadataOf(more: Partial<OcsfMetadata>): OcsfMetadata {
  return {
    version: ocsfVersion,
    profiles: ["host", "security_control"],
    product: { name: "Edict", vendor_name: "Edict", version },
    ...more,
  };
}

const systems = {
  linux: { name: "Linux", type_id: 200 },
  macos: { name: "macOS", type_id: 300 },
  windows: { name: "Windows", type_id: 100 },
} as const;

function deviceOf(device: DeviceInfo): OcsfDevice {
  return {
    uid: device.id,
    ...(device.hostname !== undefined && { hostname: clip(device.hostname, 255) }),
    type_id: 0, // Unknown: a workstation is a desktop or a laptop
    os: systems[device.os],
    is_managed: true,
    ...(device.groups !== undefined && { groups: device.groups.slice(0, 256).map((name) => ({ name: clip(name) })) }),
  };
}

function packageOf(evidence: Evidence): Pick<SoftwareInventory, "package"> {
  const { package: read, extension } = evidence.seen;
  const [owner] = "value" in read ? read.value : [];
  if (owner !== undefined) return ofPackage(owner);
  const [hosted] = "value" in extension ? extension.value : [];
  return hosted === undefined ? {} : ofPackage({ ecosystem: hosted.host, id: hosted.id, version: hosted.version });
}

function ofPackage(p: NonNullable<Inventory["package"]>): Pick<SoftwareInventory, "package"> {
  return {
    package: {
      name: clip(p.id, 512),
      version: clip(p.version ?? "unknown", 256), // OCSF requires one
      package_manager: clip(p.ecosystem, 64),
    },
  };
}
