import { expect, test } from "vitest";
import { limits } from "#trust/limits.ts";
import { exceptionsPath, groupPath, partOf } from "#trust/parts.ts";

// The targets that devices look for, and no other.

test.each([
  { path: "policy.json", kind: "policy", name: "", bound: limits.policy },
  { path: "catalog.json", kind: "catalog", name: "", bound: limits.catalog },
  { path: "devices.json", kind: "devices", name: "", bound: limits.devices },
  { path: groupPath("a"), kind: "group", name: "a", bound: limits.group },
  { path: groupPath("0-b-"), kind: "group", name: "0-b-", bound: limits.group },
  { path: groupPath("x".repeat(63)), kind: "group", name: "x".repeat(63), bound: limits.group },
  { path: exceptionsPath("0f"), kind: "exceptions", name: "0f", bound: limits.exceptions },
])("$path is a part: $kind", (part) => {
  expect(partOf(part.path)).toEqual(part);
});

test.each([
  "",
  "policy",
  "policyxjson",
  "policy.json\n",
  "a/policy.json",
  "policy.json.gz",
  "catalogxjson",
  "xcatalog.json",
  "catalog.json/",
  "devicesxjson",
  "xdevices.json",
  "devices.json2",
  "groups/policy.json",
  groupPath(""),
  groupPath("-a"),
  groupPath("A"),
  groupPath("a.b"),
  groupPath("a/b"),
  groupPath(".."),
  groupPath("x".repeat(64)),
  `x${groupPath("a")}`,
  `${groupPath("a")}x`,
  "groups/a/policyxjson",
  exceptionsPath("f"),
  exceptionsPath("fff"),
  exceptionsPath("fg"),
  exceptionsPath("gf"),
  exceptionsPath("FF"),
  `x${exceptionsPath("ff")}`,
  `${exceptionsPath("ff")}x`,
  "exceptions/ffxjson",
])("%j is no part", (path) => {
  expect(partOf(path)).toBeUndefined();
});
