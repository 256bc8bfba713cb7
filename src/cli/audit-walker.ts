import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { Branch, Tour, WalkPart } from "#observe/tour.ts";
import { entryOf } from "#platform/commands.ts";
import { PlatformError } from "#platform/platform.ts";

/** What a thread that walks is told. It gives as many parts as it was asked for. */
export type ToWalker =
  | { readonly tell: "tour"; readonly tour: Tour }
  | { readonly tell: "branches"; readonly branches: readonly Branch[] }
  | { readonly tell: "more"; readonly parts: number }
  | { readonly tell: "spare" }
  | { readonly tell: "close" };

/** What it says. `took` and `worked` are milliseconds: in between it waited. "idle": all that it was given is walked. */
export type FromWalker =
  | { readonly say: "part"; readonly part: WalkPart; readonly took: number; readonly worked: number }
  | { readonly say: "spare"; readonly branches: readonly Branch[] }
  | { readonly say: "idle" };

/** A thread that walks. */
export interface WalkThread {
  tell(message: ToWalker): void;
  /** Who hears it from now on, and that it has ended. */
  hear(said: (message: FromWalker) => void, ended: (why: unknown) => void): void;
  /** Ends it after the part that it is at. */
  close(): Promise<void>;
}

const maxYoungGenerationSizeMb = 48;

/** Starts a thread (audit-walk-main.ts). */
export function startWalkThread(): WalkThread {
  const worker = new Worker(entryOf("cli/audit-walk-main"), {
    trackUnmanagedFds: false, // descriptors are not opened by Node's means: it has none to close
    resourceLimits: { maxYoungGenerationSizeMb }, // what waits to be visited outlives many small collections
  });
  let why: unknown;
  worker.on("error", (error) => (why ??= error));
  worker.on("exit", () => (why ??= new PlatformError("gone", "a thread that walks has ended")));
  return {
    tell: (message) => worker.postMessage(message),
    hear: (said, ended) => {
      worker.on("message", said);
      if (why !== undefined) ended(why);
      worker.once("exit", () => ended(why));
    },
    // By itself: a thread that is ended while it is in koffi takes the process with it.
    close: async () => {
      if (why !== undefined) return;
      worker.postMessage({ tell: "close" } satisfies ToWalker);
      await once(worker, "exit");
    },
  };
}
