import { createHash } from "node:crypto";
import type { Catalog } from "#policy/tool.ts";
import { marker, size } from "./place.ts";

/** A policy and its catalog, as bytes. */
export interface Register {
  readonly policy: Buffer;
  readonly catalog: Buffer;
}

const bannedTool = {
  id: "bench-banned",
  name: "Banned",
  vendor: "Edict",
  category: "bench",
  identities: [{ kind: "marker", bytes: marker }],
};

/** More programs are stopped here in a minute than the breaker would have stopped on anybody's machine. */
const limits = { notifyPerDay: 1000, breaker: { programs: 10_000, window: "PT1M" } };

function banOf(id: string, mode: "observe" | "block"): object {
  const stages = [{ from: "2026-01-01T00:00:00Z", mode }];
  return { id, tool: id, reason: "It is on the list.", owner: "security@example.com", stages };
}

function json(value: object): Buffer {
  return Buffer.from(JSON.stringify(value));
}

function registerOf(tools: readonly { readonly id: string }[]): Register {
  const bans = tools.map(({ id }) => banOf(id, "block"));
  return { policy: json({ name: "bench", limits, bans }), catalog: json({ formatVersion: 1, tools }) };
}

/** Every tool that is shipped, and the one of the places. */
export function shipped({ tools }: Catalog): Register {
  return registerOf([...tools, bannedTool]);
}

/**
 * The same for an agent, which judges the whole machine that measures: tools that are shipped are looked for just so, but
 * nobody's is stopped.
 */
export function forAgent({ tools }: Catalog): Buffer {
  const bans = [...tools.map(({ id }) => banOf(id, "observe")), banOf(bannedTool.id, "block")];
  return json({ formatVersion: 1, name: "bench", limits, bans, tools: [bannedTool] });
}

/**
 * So many bans, each by a package, a path, a name and a hash; as the hashes are of files as big as those that are executed
 * here, every new one of these is hashed, however many bans there are.
 */
export function many(bans: number): Register {
  const tools = Array.from({ length: bans - 1 }, (_, i) => {
    const id = `tool-${String(i).padStart(6, "0")}`;
    return {
      id,
      name: `Tool ${i}`,
      vendor: "Edict",
      category: "bench",
      identities: [
        { kind: "package", ecosystem: "npm", id: `@vendor/${id}` },
        { kind: "path", glob: i % 2 === 0 ? `/opt/${id}/**` : `~/.local/share/${id}-*/bin/{run,start}` },
        { kind: "name", name: `run-${id}` },
        {
          kind: "hash",
          sha256: createHash("sha256").update(id).digest("hex"),
          size: i % 2 === 0 ? size.small : size.big,
        },
      ],
    };
  });
  return registerOf([...tools, bannedTool]);
}
