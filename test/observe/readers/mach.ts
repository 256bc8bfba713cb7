import { createHash } from "node:crypto";
import { identity, oid, signedData, type Identity } from "./signing.ts";

export interface Made {
  readonly teamId?: string;
  readonly signingId?: string;
  /** Who signs it; nobody where it is undefined. */
  readonly by?: Identity | undefined;
  /** What stands in its one section, __DATA,__go_buildinfo. */
  readonly data?: Buffer;
  /** How much of it is signed; all of it where it is undefined. */
  readonly limit?: number;
}

const command = 32;
const body = 0x1000;

/** A program of macOS of our own (mach-o/loader.h): 64 bits, one section, and a code signature at its end. */
export function mach({ teamId = "TEAM123456", signingId = "com.example.tool", by, limit, ...made }: Made = {}): Buffer {
  const { data = Buffer.alloc(5000, 7) } = made;
  const code = Buffer.alloc(body + data.length + (-data.length & 15));
  code.writeUInt32LE(0xfeedfacf, 0);
  code.writeUInt32LE(2, 16);
  code.writeUInt32LE(152 + 16, 20);
  code.writeUInt32LE(0x19, command); // LC_SEGMENT_64
  code.writeUInt32LE(152, command + 4);
  code.write("__DATA", command + 8, "latin1");
  code.writeUInt32LE(1, command + 64);
  code.write("__go_buildinfo", command + 72, "latin1");
  code.write("__DATA", command + 88, "latin1");
  code.writeBigUInt64LE(BigInt(data.length), command + 72 + 40);
  code.writeUInt32LE(body, command + 72 + 48);
  data.copy(code, body);
  if (by === undefined) {
    code.writeUInt32LE(1, 16);
    code.writeUInt32LE(152, 20);
    return code;
  }
  code.writeUInt32LE(0x1d, command + 152); // LC_CODE_SIGNATURE
  code.writeUInt32LE(16, command + 156);
  code.writeUInt32LE(code.length, command + 160);
  const signatureSize = 4096 + 32 * Math.ceil(code.length / 4096);
  code.writeUInt32LE(signatureSize, command + 164);
  const signature = Buffer.alloc(signatureSize);
  superBlob(directory(code.subarray(0, limit), teamId, signingId), by).copy(signature);
  return Buffer.concat([code, signature]);
}

/** Several programs in one file (mach-o/fat.h). */
export function fat(...programs: readonly Buffer[]): Buffer {
  const head = Buffer.alloc(0x4000);
  head.writeUInt32BE(0xcafebabe, 0);
  head.writeUInt32BE(programs.length, 4);
  const parts: Buffer[] = [head];
  for (const [i, program] of programs.entries()) {
    head.writeUInt32BE(Buffer.concat(parts).length, 8 + 20 * i + 8);
    head.writeUInt32BE(program.length, 8 + 20 * i + 12);
    parts.push(program, Buffer.alloc(-program.length & 0xfff));
  }
  return Buffer.concat(parts);
}

/** Somebody whom Apple does not know, with a team's name in the certificate. */
export function signerFor(team: string): Identity {
  const authority = identity({ commonName: "Nobody's authority" });
  return identity({ commonName: `Developer ID Application: Tool (${team})`, unit: team, by: authority });
}

/** xnu, osfmk/kern/cs_blobs.h: version 0x20500, SHA-256, pages of four kilobytes. */
function directory(code: Buffer, teamId: string, signingId: string): Buffer {
  const [head, texts] = [Buffer.alloc(96), Buffer.from(`${signingId}\0${teamId}\0`)];
  const pages = Array.from({ length: Math.ceil(code.length / 4096) }, (_, i) =>
    createHash("sha256")
      .update(code.subarray(4096 * i, 4096 * (i + 1)))
      .digest(),
  );
  const bytes = Buffer.concat([head, texts, ...pages]);
  const numbers: readonly (readonly [at: number, value: number])[] = [
    [0, 0xfade0c02],
    [4, bytes.length],
    [8, 0x20500],
    [16, head.length + texts.length],
    [20, head.length],
    [28, pages.length],
    [32, code.length],
    [48, head.length + signingId.length + 1],
  ];
  for (const [at, value] of numbers) bytes.writeUInt32BE(value, at);
  bytes.set([32, 2, 0, 12], 36);
  return bytes;
}

function superBlob(codeDirectory: Buffer, by: Identity): Buffer {
  const cms = signedData({ by, contentType: oid.data, content: codeDirectory });
  const wrapped = Buffer.alloc(8);
  wrapped.writeUInt32BE(0xfade0b01, 0);
  wrapped.writeUInt32BE(8 + cms.length, 4);
  const head = Buffer.alloc(28);
  const total = head.length + codeDirectory.length + 8 + cms.length;
  const numbers = [0xfade0cc0, total, 2, 0, head.length, 0x10000, head.length + codeDirectory.length];
  for (const [i, value] of numbers.entries()) head.writeUInt32BE(value, 4 * i);
  return Buffer.concat([head, codeDirectory, wrapped, cms]);
}
