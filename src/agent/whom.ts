import { Refusal } from "#agent/control.ts";
import type { House } from "#agent/house.ts";
import type { Evidence } from "#policy/evidence.ts";
import type { Ban } from "#policy/ban.ts";

/** A login name, or the number where there is none. */
export async function personOf({ platform }: Pick<House, "platform">, uid: number): Promise<string> {
  return (await platform.nameOf(uid)) ?? `${uid}`;
}

/** Whether it is not known whose process it is: whoever is only in a directory service has to be asked for. */
export function isNameless({ process }: Pick<Evidence, "process">): boolean {
  return process?.uid !== undefined && process.user === undefined;
}

/** The same with its user's name: exceptions are made by it. */
export async function named<E extends Pick<Evidence, "process">>(
  house: Pick<House, "platform">,
  evidence: E,
): Promise<E> {
  const { process } = evidence;
  if (process?.uid === undefined || process.user !== undefined) return evidence;
  return { ...evidence, process: { ...process, user: await personOf(house, process.uid) } };
}

/** @throws Refusal where no such ban is in force */
export function banOf({ policies }: Pick<House, "policies">, id: string): Ban {
  const ban = policies.current().matcher.ban(id);
  if (ban === undefined) throw new Refusal("unknown", `no ban "${id}" is in force here; edict policy show lists them`);
  return ban;
}
