import { expect, test } from "vitest";
import { parseApkInstalled } from "#observe/readers/apk.ts";
import { parseCondaRecord } from "#observe/readers/conda.ts";
import { parseSnapYaml } from "#observe/readers/snap-yaml.ts";
import { hostile } from "./seam.ts";

/** A database as apk of Wolfi writes it: empty fields, modes behind some files, folders without any. */
const apk = Buffer.from(
  [
    ["P:ollama", "V:0.12.3-r1", "A:x86_64", "L:MIT", "T:", "U:", "D:so:libc.so.6", "p:cmd:ollama=0.12.3-r1", "i:[]"],
    [
      "C:Q1abcdefghijklmnopqrstuvwxyz01=",
      "F:usr",
      "F:usr/bin",
      "R:ollama",
      "a:0:0:0755",
      "Z:Q1abc=",
      "F:var",
      "F:",
      "R:x",
    ],
    ["", "P:other", "V:1.0-r0", "F:etc", "R:other.conf", "Z:Q1abc=", "", ""],
  ]
    .flat()
    .join("\n"),
);

function filesOf(bytes: Uint8Array): readonly string[] {
  return [...parseApkInstalled(bytes)].flatMap(({ id, version, paths }) => {
    const found: string[] = [];
    paths((path) => found.push(`${id} ${version} ${Buffer.from(path).toString()}`));
    return found;
  });
}

test("apk's database names packages and their files, whatever else it says of them", () => {
  expect(filesOf(apk)).toEqual([
    "ollama 0.12.3-r1 /usr/bin/ollama",
    "ollama 0.12.3-r1 /x",
    "other 1.0-r0 /etc/other.conf",
  ]);
  expect(hostile(apk, filesOf, 1000)).toBeGreaterThan(1000);
});

/** A record as conda writes it. */
const record = Buffer.from(
  JSON.stringify(
    {
      arch: null,
      build: "hce54a09_0_cpython",
      build_number: 0,
      channel: "https://conda.anaconda.org/conda-forge/linux-64",
      constrains: [],
      files: ["bin/aider"],
      fn: "aider-chat-0.86.1-hce54a09_0_cpython.conda",
      link: { source: "/opt/conda/pkgs/aider-chat-0.86.1-hce54a09_0_cpython", type: 1 },
      name: "aider-chat",
      paths_data: { paths: [{ _path: "bin/aider", path_type: "hardlink", size_in_bytes: 5 }], paths_version: 1 },
      requested_spec: "None",
      version: "0.86.1",
    },
    null,
    2,
  ),
);

const file = "aider-chat-0.86.1-hce54a09_0_cpython.json";
const read = (bytes: Uint8Array, name = file) => parseCondaRecord(bytes, name);

test("conda's record is one of the package that its file is called after", () => {
  expect(read(record)).toEqual({ ecosystem: "conda", id: "aider-chat", version: "0.86.1" });
  expect(read(record, "aider-chat-0.86.1.json")).toBeUndefined();
  expect(hostile(record, (bytes) => read(bytes), 1000)).toBeGreaterThan(1000);
});

test("a snap.yaml that is spoilt says less, and never throws", () => {
  const yaml = Buffer.from(`---\n"name": code # x\n'version': '3.0' # y\nsummary: x\napps: {x: {command: x}}\n`);
  expect(parseSnapYaml(yaml)).toEqual({ name: "code", version: "3.0" });
  expect(hostile(yaml, parseSnapYaml, 1000)).toBeGreaterThan(1000);
});
