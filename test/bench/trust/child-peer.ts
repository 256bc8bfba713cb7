import { look } from "./child.ts";
import { peer } from "./peer.ts";

await look(peer);
