import type { Watched } from "../device.ts";
import type { TestClient } from "../repository.ts";

/** A device with the groups a, b and c and exceptions, which had an honest look before anybody attacked. */
export interface Attacked extends Watched {
  readonly device: TestClient;
}

/** A line of the client that notices an attack. */
export interface Check {
  readonly file: `src/${string}.ts`;
  /** Part of that line alone. */
  readonly line: string;
  /** What stands there in a client that does not look. */
  readonly without: string;
}

export interface Attack {
  /** As TUF 1.0 section 1.5.2 calls it, or "Our own list" for what TRUST.md adds. */
  readonly name: string;
  readonly does: string;
  readonly mount: (attacked: Attacked) => unknown;
  /** What the next look says: "ROLLBACK timestamp"; or "believed", where the attack is to change nothing. */
  readonly noticed: string | RegExp;
  /** Without these the attack is not noticed, or not as what it is. */
  readonly checks: readonly Check[];
}

const [set, verify, request] = ["src/trust/trusted-set.ts", "src/trust/verify.ts", "src/lib/request.ts"] as const;

/** The checks that several attacks run into. */
export const checks = {
  signatures: {
    file: verify,
    line: "const signedBy = new Set<string>();",
    without: "const signedBy = new Set<string>(); if (role.threshold > 0) return signedBy;",
  },
  hash: { file: verify, line: "if (seen !== wanted)", without: "if (false)" },
  length: { file: verify, line: "bytes.length !== promised.length)", without: "if (false)" },
  version: { file: set, line: "if (seen !== wanted)", without: "if (false)" },
  rollback: { file: set, line: "if (seen < known)", without: "if (false)" },
  expiry: { file: set, line: "metadata.expires > this.#at) return;", without: "return;" },
  type: { file: "src/trust/metadata.ts", line: 'signed["_type"] !== type', without: "" },
  received: { file: request, line: "body.length + part.length <= ask.maxBytes", without: "return body.add(part);" },
  announced: { file: request, line: "good && Number(length) > ask.maxBytes", without: "" },
  deadline: {
    file: request,
    line: "const deadline = AbortSignal.timeout(",
    without: "const deadline = new AbortController().signal;",
  },
  redirect: { file: request, line: "status >= 300 && status < 400", without: "if (false)" },
} satisfies Record<string, Check>;
