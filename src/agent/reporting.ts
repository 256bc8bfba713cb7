import { hostname } from "node:os";
import { join } from "node:path";
import type { House } from "#agent/house.ts";
import { readBounded } from "#lib/atomic-file.ts";
import { describe } from "#lib/errors.ts";
import { enrol } from "#report/enrol.ts";
import { ServerLink } from "#report/link.ts";
import { upload } from "#report/upload.ts";

/** Bytes; a secret is a line. */
const longestSecret = 4096;

/** Enrols this device where that is still to do, then sends what is in the spool, until the signal aborts. */
export async function sendReports(house: House, server: string, signal: AbortSignal): Promise<void> {
  const { clock, ca, log, outbox, identity, reporting } = house;
  const enrolNow = async (): Promise<void> => {
    reporting.enrolledAt = undefined;
    reporting.enrolledAt = await enrolAt(house, server, signal);
    log.info("this device is enrolled", { server });
  };
  if (reporting.enrolledAt !== server)
    await enrolNow().catch((error: unknown) => log.warn("not enrolled yet", { error: describe(error) }));
  const link = new ServerLink({ server, identity, clock, ca });
  const changed = (state: { readonly failing: { readonly why: string } | undefined }): void => {
    reporting.failing = state.failing?.why;
  };
  try {
    await upload({ outbox, link, clock, log, enrol: enrolNow, changed }, signal);
  } finally {
    link.close();
  }
}

async function enrolAt(house: House, server: string, signal: AbortSignal): Promise<string | undefined> {
  const { config, clock, ca, platform } = house;
  if (config.enrolSecretFile === undefined)
    throw new Error("this device is not enrolled, and no enrolSecretFile is configured");
  const secret = (await readBounded(config.enrolSecretFile, longestSecret)).toString("utf8");
  const dir = join(config.state, "identity");
  const { enrolledAt } = await enrol({ server, secret, dir, clock, os: platform.os, hostname: hostname(), ca, signal });
  return enrolledAt;
}
