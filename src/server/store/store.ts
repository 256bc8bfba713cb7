import type { ExceptionRequest } from "#protocol/report.ts";
import type { DeviceId } from "#protocol/enrolment.ts";
import type { Instant } from "#lib/pure/instant.ts";

/** What the server knows about a device: its key, and what it last said about itself. */
export interface Device {
  readonly id: DeviceId;
  /** The raw Ed25519 key, base64url. */
  readonly publicKey: string;
  readonly hostname: string | null;
  readonly os: string;
  readonly agentVersion: string;
  readonly enrolledAt: Instant;
  readonly seenAt: Instant;
}

/** One event on its way into the store: its text as it came, and what is searched by. */
export interface NewReport {
  readonly uid: string;
  readonly time: Instant;
  readonly classUid: number;
  readonly did: string | null;
  readonly ban: string | null;
  readonly tool: string | null;
  readonly mode: string | null;
  readonly person: string | null;
  readonly message: string | null;
  /** JSON. */
  readonly event: string;
}

export interface Report extends NewReport {
  /** Ascending in the order in which reports become visible: whoever has read up to one has missed none before it. */
  readonly seq: number;
  readonly device: DeviceId;
  readonly receivedAt: Instant;
}

export interface StoredRequest extends ExceptionRequest {
  readonly seq: number;
  readonly device: DeviceId;
  readonly receivedAt: Instant;
}

export interface Page {
  /** After this sequence number; 0 is from the beginning. */
  readonly since: number;
  readonly limit: number;
}

/** What the server keeps. One implementation over two databases; `test/server/store-contract.ts` holds both to it. */
export interface Store {
  /** Answers when the database does. */
  ping(): Promise<void>;
  /** True when the key is new. The same key again changes what is said about the device. */
  enrol(device: Omit<Device, "enrolledAt" | "seenAt">, at: Instant): Promise<boolean>;
  device(id: DeviceId): Promise<Device | undefined>;
  /** Ordered by id, after the one that is named. */
  devices(page: { readonly after?: string | undefined; readonly limit: number }): Promise<readonly Device[]>;
  /** Stores each (device, uid) once, all or none. Resolves to how many were new. */
  saveReports(device: DeviceId, reports: readonly NewReport[], at: Instant): Promise<number>;
  reports(page: Page): Promise<readonly Report[]>;
  /** The newest first. */
  latestReports(limit: number): Promise<readonly Report[]>;
  /** Stores each (device, id) once. True when it is new. */
  saveRequest(device: DeviceId, request: ExceptionRequest, at: Instant): Promise<boolean>;
  requests(page: Page): Promise<readonly StoredRequest[]>;
  /** The newest first. */
  latestRequests(limit: number): Promise<readonly StoredRequest[]>;
  counts(): Promise<{ readonly devices: number; readonly reports: number; readonly requests: number }>;
  close(): Promise<void>;
}
