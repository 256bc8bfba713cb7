import { join } from "node:path";
import { write } from "../observe/place.ts";

/** A policy that bans a tool of its own, known by a package and a marker, from 10 July. */
export function policyIn(home: string, mode = "block"): string {
  const policy = {
    name: "test",
    bans: [
      {
        id: "no-tool",
        tool: "banned-tool",
        reason: "It is a test.",
        owner: "security@example.com",
        stages: [{ from: "2026-07-10T00:00:00Z", mode }],
        replacement: { tool: "qodercli", url: "https://qoder.example/download" },
      },
    ],
    tools: [
      {
        id: "banned-tool",
        name: "Banned Tool",
        identities: [
          { kind: "package", ecosystem: "npm", id: "@example/tool" },
          { kind: "marker", bytes: "com.example.banned-tool" },
          { kind: "name", name: "claude" },
        ],
      },
    ],
  };
  return write(join(home, "policy.json"), JSON.stringify(policy));
}
