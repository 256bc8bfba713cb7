import type { Prepared } from "./launch.ts";
import type { Place } from "./place.ts";
import type { Tool } from "./tool.ts";

/** One way to hide, made for one tool. */
export interface Disguise {
  /** A word of the list, or of a variant that it left open. */
  readonly id: string;
  /** What the row is called. */
  readonly title: string;
  /** Makes it in `folder`, an empty one of its own, before anybody watches. @throws where the machine lets nobody make it */
  readonly make: (tool: Tool, folder: string, place: Place) => Prepared;
}
