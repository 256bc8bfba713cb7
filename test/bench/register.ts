export function toolId(i: number): string {
  return `tool-${String(i).padStart(6, "0")}`;
}

/** About 200 bytes a ban, as an export from a register of forbidden software has them. */
export function policyText(bans: number): Buffer {
  const list = Array.from({ length: bans }, (_, i) => ({
    id: toolId(i),
    tool: toolId(i),
    reason: "On the list of high-risk software.",
    owner: "security@example.com",
    stages: [{ from: "2026-07-10T00:00:00+08:00", mode: "block" }],
    replacement: { tool: "qoder" },
  }));
  return Buffer.from(JSON.stringify({ name: "register", bans: list }));
}

/** Every tool with a package, a path and a name. */
export function catalogText(tools: number): Buffer {
  const list = Array.from({ length: tools }, (_, i) => ({
    id: toolId(i),
    name: `Tool ${i}`,
    identities: [
      { kind: "package", ecosystem: "npm", id: `@vendor/${toolId(i)}` },
      { kind: "path", glob: i % 2 === 0 ? `/opt/${toolId(i)}/**` : `~/.local/share/${toolId(i)}-*/bin/{run,start}` },
      { kind: "name", name: `run-${toolId(i)}` },
    ],
  }));
  const qoder = {
    id: "qoder",
    name: "Qoder",
    identities: [{ kind: "package", ecosystem: "npm", id: "@qoder-ai/qodercli" }],
  };
  return Buffer.from(JSON.stringify({ formatVersion: 1, tools: [...list, qoder] }));
}
