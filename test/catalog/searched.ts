import { z } from "zod";

/** Real programs that were searched for every marker, by `npx node test/catalog/search.ts`. */
export const searchedSchema = z.array(
  z.strictObject({
    /** name@version. */
    release: z.string(),
    /** The program's path in the package. */
    program: z.string(),
    size: z.int(),
    sha256: z.string(),
    /** "tool: marker", of what stood there. */
    found: z.array(z.string()).optional(),
    /** Where nothing did: every marker that was looked for. */
    free: z.array(z.string()).optional(),
  }),
);
export type Searched = z.infer<typeof searchedSchema>[number];
