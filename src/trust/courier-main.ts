import { Socket } from "node:net";
import { serveCourier } from "#trust/courier-serve.ts";

// The courier's process: a program of its own, so that it loads nothing but this. The agent starts it, as a user that nobody is.

/** The descriptor that the agent leaves to it: one end of a socket pair. */
const line = 3;

await serveCourier(new Socket({ fd: line }));
