/** The message of whatever was thrown, with its causes, on one line. */
export function describe(thrown: unknown): string {
  const parts: string[] = [];
  for (let at = thrown, depth = 0; at !== undefined && depth < 5; depth += 1) {
    parts.push(at instanceof Error ? at.message : typeof at === "string" ? at : JSON.stringify(at));
    at = at instanceof Error ? at.cause : undefined;
  }
  return parts.join(": ");
}

/** The `code` of a Node system error (ENOENT, EACCES …), or undefined. */
export function systemCode(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || !("code" in thrown)) return undefined;
  return typeof thrown.code === "string" ? thrown.code : undefined;
}
