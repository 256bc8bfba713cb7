import type { Clock } from "#lib/clock.ts";
import { version } from "#lib/version.ts";
import { enrolAnswerSchema, type EnrolRequest } from "#protocol/enrolment.ts";
import { markEnrolled, openIdentity, type DeviceIdentity } from "#report/identity.ts";
import { ServerLink } from "#report/link.ts";
import { ReportError } from "#report/report-error.ts";

export interface Enrolment {
  readonly server: string;
  /** The fleet's secret; used once, afterwards the device's key speaks for it. */
  readonly secret: string;
  /** Where the device's key lies, or will. */
  readonly dir: string;
  readonly clock: Clock;
  readonly os: EnrolRequest["os"];
  readonly hostname?: string | undefined;
  /** PEM certificates that replace the system's authorities. */
  readonly ca?: string | undefined;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * Makes this device's key where there is none, and tells the server about it. Doing it again is harmless.
 * @throws ReportError `REFUSED` for a wrong secret; `NETWORK`, `TIMEOUT`, `LIMIT`, `FORMAT`; `IDENTITY`
 */
export async function enrol(options: Enrolment): Promise<DeviceIdentity> {
  const { server, secret, dir, clock, os, hostname, ca, timeoutMs, signal } = options;
  const identity = await openIdentity(dir);
  const link = new ServerLink({ server, identity, clock, ca, ...(timeoutMs !== undefined && { timeoutMs }) });
  try {
    const request: EnrolRequest = {
      publicKey: identity.publicKey,
      os,
      agentVersion: version,
      hostname: plain(hostname),
    };
    const answer = await link.post("/api/v1/enrol", request, enrolAnswerSchema, {
      authorization: `Bearer ${secret.trim()}`,
      ...(signal !== undefined && { signal }),
    });
    if (answer.device !== identity.id)
      throw new ReportError("FORMAT", `${server} enrolled another key: ${answer.device}, and not ${identity.id}`);
  } finally {
    link.close();
  }
  await markEnrolled(dir, server);
  return { ...identity, enrolledAt: server };
}

/** A host name that the server will take. */
function plain(hostname: string | undefined): string | undefined {
  return hostname?.replaceAll(/\p{Cc}/gu, "").slice(0, 255);
}
