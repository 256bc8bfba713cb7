import { ImageHash, readAuthenticode } from "#observe/readers/authenticode.ts";
import { PageHashes, readCodeSignature } from "#observe/readers/code-signature.ts";
import { readMachO } from "#observe/readers/macho.ts";
import { readPe } from "#observe/readers/pe.ts";
import { readVersionInfo } from "#observe/readers/version-info.ts";
import type { Reads } from "#observe/reads.ts";
import type { Reading, SignerSeen } from "#policy/evidence.ts";

/** A form of programs that carry signatures. */
export type SignedForm = "pe" | "mach-o";

/** What a signature says, if it is of these bytes: that is seen once all of them were taken. */
export interface Signature {
  readonly signer: SignerSeen;
  readonly bytes: readonly Taking[];
}

/** Takes a file's bytes, piece after piece from its beginning to its end; then says whether a signature is of them. */
interface Taking {
  take(bytes: Uint8Array, offset: number): void;
  matches(): boolean;
}

const forms: ReadonlyMap<number, SignedForm> = new Map([
  [0xfeedface, "mach-o"],
  [0xfeedfacf, "mach-o"],
  [0xcefaedfe, "mach-o"],
  [0xcffaedfe, "mach-o"],
  [0xcafebabe, "mach-o"],
  [0xcafebabf, "mach-o"],
]);

/** The form of a file that begins so, by its first four bytes; undefined for every program of Linux and every script. */
export function signedForm(head: Uint8Array): SignedForm | undefined {
  const [a = 0, b = 0, c = 0, d = 0] = head;
  return a === 0x4d && b === 0x5a ? "pe" : forms.get(((a << 24) | (b << 16) | (c << 8) | d) >>> 0);
}

export const unnamed = "no identity names its signer";
const broken = { unread: "its signature does not hold, or is of a kind that is not read" };
const unsigned = { absent: true } as const;

/**
 * Who signed a program, as far as its signature says so: what remains is to take all of its bytes. Or, where nobody needs to,
 * what there is to say at once. `wanted`: teams, and subjects of certificates, that some identity names.
 */
export function readSignature(
  form: SignedForm,
  fileSize: number,
  wanted: ReadonlySet<string>,
): Reads<Signature | Reading<SignerSeen>> {
  return form === "pe" ? readPeSignature(fileSize, wanted) : readMachSignature(fileSize, wanted);
}

function* readPeSignature(fileSize: number, wanted: ReadonlySet<string>): Reads<Signature | Reading<SignerSeen>> {
  const pe = yield* readPe(fileSize);
  if (pe === undefined) return broken;
  if (pe.certificates === undefined) return unsigned;
  const found = yield* readAuthenticode(pe, fileSize);
  if (found === undefined) return broken;
  const { subject, rooted, digest } = found;
  if (!wanted.has(subject)) return { unread: unnamed };
  const product = (yield* readVersionInfo(pe, fileSize))?.product;
  const signer = { subject, ...(product !== undefined && { product }), ...(!rooted && unrooted) };
  return { signer, bytes: [new ImageHash(pe, digest)] };
}

/** All programs of a fat file must be signed alike: which of them runs depends on the machine. */
function* readMachSignature(fileSize: number, wanted: ReadonlySet<string>): Reads<Signature | Reading<SignerSeen>> {
  const programs = yield* readMachO(fileSize);
  if (programs === undefined) return broken;
  if (programs.every((program) => program.signature === undefined)) return unsigned;
  const bytes: Taking[] = [];
  let signer: SignerSeen | undefined;
  for (const program of programs) {
    const found = yield* readCodeSignature(program);
    if (found === undefined) return broken;
    const { teamId, signingId, rooted } = found;
    if (!wanted.has(teamId)) return { unread: unnamed };
    signer ??= { teamId, signingId };
    if (signer.teamId !== teamId || signer.signingId !== signingId)
      return { unread: "its programs are signed differently" };
    if (!rooted) signer = { ...signer, ...unrooted };
    bytes.push(new PageHashes(program, found));
  }
  return signer === undefined ? broken : { signer, bytes };
}

const unrooted = { unrooted: true } as const;
