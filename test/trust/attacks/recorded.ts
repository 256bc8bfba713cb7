import type { Simulator } from "../simulator.ts";

/** What a repository shows now, by name, to be shown again later. */
export async function recorded(sim: Simulator): Promise<(name: string) => Buffer> {
  const files = await sim.files();
  return (name) => files.get(name) ?? Buffer.of();
}

/** The name under which a target of the top-level role is asked for now. */
export async function fileOf(sim: Simulator, path: string): Promise<string> {
  const names = [...(await sim.files()).keys()];
  return names.find((name) => name.startsWith("targets/") && name.endsWith(`.${path}`)) ?? "";
}
