import { describe } from "vitest";
import { selectPlatform } from "#platform/select.ts";
import { contract } from "./contract.ts";

describe("Linux", () => {
  contract(() => selectPlatform());
});
