// What any Node has to do for a cached chain, and nothing of ours: reads the files, imports the keys, verifies as many signatures, hashes and unpacks.
import { createHash, createPublicKey, verify } from "node:crypto";
import { readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { Task } from "./child.ts";

const { dir } = JSON.parse(process.argv[2] ?? "") as Task; // the bench writes it
const [generation = ""] = readdirSync(join(dir, "generations"));
const folder = join(dir, "generations", generation);
const began = performance.now();
const names = readdirSync(folder);
const files = new Map(
  await Promise.all(names.map(async (name) => [name, await readFile(join(folder, name))] as const)),
);
const root = JSON.parse(files.get("root.json")?.toString() ?? "") as {
  readonly signed: { readonly keys: Readonly<Record<string, { readonly keyval: { readonly public: string } }>> };
};
/** SubjectPublicKeyInfo of a raw Ed25519 key (RFC 8410, 4). */
const prefix = "302a300506032b6570032100";
const keys = Object.values(root.signed.keys).map(({ keyval }) =>
  createPublicKey({ key: Buffer.from(prefix + keyval.public, "hex"), format: "der", type: "spki" }),
);
const [key] = keys;
if (key === undefined) throw new Error("there is no key");
const signature = Buffer.alloc(64, 1); // a wrong one takes as long
for (const [name, bytes] of files)
  if (name.endsWith(".json")) {
    JSON.parse(bytes.toString());
    verify(null, bytes, key, signature);
  } else {
    createHash("sha256").update(bytes).digest("hex");
    gunzipSync(bytes);
  }
process.stdout.write(`${JSON.stringify([performance.now() - began])}\n`);
