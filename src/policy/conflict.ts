import { z } from "zod";

/** Something that was signed and does not count on this device, or not as it was written. */
export const conflictSchema = z.strictObject({
  /** Where it stands: in the base policy, the exceptions that the server granted, or a group's policy. */
  part: z.union([z.enum(["base", "exceptions"]), z.templateLiteral(["group ", z.string()])]),
  what: z.enum(["ban", "tool", "identity", "exception", "part"]),
  /** Of the ban or the tool; of an exception, that of the ban it is from; null for a whole part. */
  id: z.string().nullable(),
  /** A sentence without its subject: what became of it, and why. */
  why: z.string(),
});
export type Conflict = Readonly<z.infer<typeof conflictSchema>>;

/** A whole part that does not count. */
export function leftOut(part: Conflict["part"], why: string): Conflict {
  return { part, what: "part", id: null, why: `is left out: ${why}` };
}

const places = { base: "the base policy", exceptions: "the server's list of exceptions" } as const;

/** The whole sentence. */
export function conflictText({ part, what, id, why }: Conflict): string {
  const place = part === "base" || part === "exceptions" ? places[part] : `the policy of the ${part}`;
  const subject = {
    ban: `the ban ${id} of `,
    tool: `the tool ${id} of `,
    identity: `an identity of the tool ${id} of `,
    exception: `an exception from the ban ${id} of `,
    part: "",
  };
  return `${subject[what]}${place} ${why}`;
}
