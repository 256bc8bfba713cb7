/**
 * Gives back the memory that hard work has left behind: V8 keeps what it once needed until it needs more. A tenth of a second
 * of work, off the main thread where it can be. Only where node was started with --expose-gc, as packages start it.
 */
export async function rest(): Promise<void> {
  if (typeof gc === "function") await gc({ type: "major", execution: "async", flavor: "last-resort" });
}
