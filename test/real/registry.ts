import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { dirname, join } from "node:path";
import { z } from "zod";

/** A registry of npm's with a few packages of ours, each one script: `node registry.ts <folder> <json>`. Says its port and stays. */
const [, , folder = "", json = ""] = process.argv;
const packages = z
  .array(z.object({ name: z.string(), version: z.string(), command: z.string() }))
  .parse(JSON.parse(json));

function pack({ name, version, command }: (typeof packages)[number]): Buffer {
  const at = join(folder, name, "package");
  mkdirSync(at, { recursive: true });
  writeFileSync(join(at, "package.json"), JSON.stringify({ name, version, bin: { [command]: "cli.js" } }));
  writeFileSync(join(at, "cli.js"), `#!/usr/bin/env node\nconsole.log("${version}");\n`, { mode: 0o755 });
  const file = join(dirname(at), "package.tgz");
  execFileSync("tar", ["--create", "--gzip", "--file", file, "--directory", dirname(at), "package"]);
  return readFileSync(file);
}

const packed = new Map(packages.map((one) => [one.name, { ...one, bytes: pack(one) }]));

const server = createServer((request, response) => {
  const [, path = ""] = /^\/([^?]*)/.exec(decodeURIComponent(request.url ?? "")) ?? [];
  const archive = packed.get(path.replace(/\/-\/package\.tgz$/, ""));
  if (archive === undefined) return void response.writeHead(404).end("{}");
  if (path.endsWith(".tgz")) return void response.end(archive.bytes);
  const { name, version, command, bytes } = archive;
  const tarball = `http://${request.headers.host}/${name}/-/package.tgz`;
  const integrity = `sha512-${createHash("sha512").update(bytes).digest("base64")}`;
  const shasum = createHash("sha1").update(bytes).digest("hex");
  const manifest = { name, version, bin: { [command]: "cli.js" }, dist: { tarball, integrity, shasum } };
  const long = "2025-01-01T00:00:00.000Z";
  const time = { created: long, modified: long, [version]: long };
  response.setHeader("content-type", "application/json");
  response.end(
    JSON.stringify({ name, "dist-tags": { latest: version }, versions: { [version]: manifest }, time, modified: long }),
  );
});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  console.log(typeof address === "object" ? address?.port : address);
});
