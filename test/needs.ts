import { inject } from "vitest";

/** What a test needs from the machine; the reason why it cannot run here, or undefined. It is printed with the skip. */
export function lacking(...needs: readonly string[]): string | undefined {
  const { missing, why } = inject("debian");
  for (const need of needs) {
    if (need === "root" && process.getuid?.() !== 0) return skip("it needs root");
    if (need !== "root" && missing.includes(need)) return skip(`Debian's ${need} is not installed: ${why}`);
  }
  return undefined;
}

function skip(reason: string): string {
  console.warn(`skipped: ${reason}`);
  return reason;
}
