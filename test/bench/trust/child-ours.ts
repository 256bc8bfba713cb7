import { look } from "./child.ts";
import { ours } from "./ours.ts";

await look(ours);
