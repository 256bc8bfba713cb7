import { Refusal } from "#agent/control.ts";
import type { House } from "#agent/house.ts";
import type { Ban } from "#policy/ban.ts";

/** A login name, or the number where there is none. */
export async function personOf({ platform }: Pick<House, "platform">, uid: number): Promise<string> {
  return (await platform.people()).find((person) => person.uid === uid)?.name ?? `${uid}`;
}

/** @throws Refusal where no such ban is in force */
export function banOf({ policies }: Pick<House, "policies">, id: string): Ban {
  const ban = policies.current().matcher.ban(id);
  if (ban === undefined) throw new Refusal("unknown", `no ban "${id}" is in force here; edict policy show lists them`);
  return ban;
}
