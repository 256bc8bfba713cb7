/** A real tool: its id in the catalog, its package on npm, and the command that it brings. */
export interface RealTool {
  readonly tool: string;
  readonly npm: string;
  readonly command: string;
}

export const tools: readonly RealTool[] = [
  { tool: "claude-code", npm: "@anthropic-ai/claude-code", command: "claude" },
  { tool: "codex", npm: "@openai/codex", command: "codex" },
  { tool: "gemini-cli", npm: "@google/gemini-cli", command: "gemini" },
  { tool: "copilot-cli", npm: "@github/copilot", command: "copilot" },
  { tool: "qodercli", npm: "@qoder-ai/qodercli", command: "qodercli" },
  { tool: "cline", npm: "cline", command: "cline" },
  { tool: "continue", npm: "@continuedev/cli", command: "cn" },
  { tool: "opencode", npm: "opencode-ai", command: "opencode" },
  { tool: "amp", npm: "@ampcode/cli", command: "amp" },
  { tool: "droid", npm: "droid", command: "droid" },
  { tool: "crush", npm: "@charmland/crush", command: "crush" },
  { tool: "qwen-code", npm: "@qwen-code/qwen-code", command: "qwen" },
  { tool: "kilo-code", npm: "@kilocode/cli", command: "kilo" },
  { tool: "augment", npm: "@augmentcode/auggie", command: "auggie" },
  { tool: "openclaw", npm: "openclaw", command: "openclaw" },
  { tool: "pi-coding-agent", npm: "@mariozechner/pi-coding-agent", command: "pi" },
  { tool: "grok-vibekit", npm: "@vibe-kit/grok-cli", command: "grok" },
];
