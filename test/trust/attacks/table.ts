import type { Attack } from "./attack.ts";
import { authority } from "./authority.ts";
import { freshness } from "./freshness.ts";
import { resources } from "./resources.ts";

export const attacks: readonly Attack[] = [...authority, ...freshness, ...resources];

/** As those are called that wait for a deadline. */
export const slow = "Slow retrieval attack";
