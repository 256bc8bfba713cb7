// One publication as a process: writer.ts REPO KEYS PROPOSAL INSTANT. It is killed at each of its writes.
import { readFile } from "node:fs/promises";
import { parseInstant } from "#lib/pure/instant.ts";
import { parseProposal } from "#publish/proposal-file.ts";
import { publishProposal } from "#publish/proposal.ts";

const [dir = "", keysDir = "", proposal = "", at = ""] = process.argv.slice(2);
const now = parseInstant(at);
await publishProposal({ dir, keysDir, proposal: parseProposal(await readFile(proposal)), clock: { now: () => now } });
