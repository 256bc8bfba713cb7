import type { Ban, Policy } from "#policy/ban.ts";
import type { Identity } from "#policy/tool.ts";

/** An identity in a few words, as reasons and findings name it. */
export function identityText(identity: Identity): string {
  switch (identity.kind) {
    case "package":
      return `the ${identity.ecosystem} package ${identity.id}`;
    case "extension":
      return `the ${identity.host} extension ${identity.id}`;
    case "signer":
      return `the signature of ${[identity.teamId ?? identity.subject, identity.signingId ?? identity.product].filter((x) => x !== undefined).join(", ")}`;
    case "hash":
      return `the content with sha256 ${identity.sha256}`;
    case "marker":
      return `the text "${identity.bytes}" inside the file`;
    case "path":
      return `a path like ${identity.glob}`;
    case "name":
      return `the name "${identity.name}"`;
    case "config":
      return `the configuration ${identity.path}`;
    default:
      return identity satisfies never;
  }
}

/** Whose policy a ban stands in. */
export function originText({ group }: Pick<Ban, "group">, { name }: Pick<Policy, "name">): string {
  return group === undefined ? `the policy "${name}"` : `the group ${group}'s own policy`;
}
