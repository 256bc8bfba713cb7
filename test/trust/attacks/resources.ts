import type { RequestListener } from "node:http";
import { gzipSync } from "node:zlib";
import { limits } from "#trust/limits.ts";
import { policyOf } from "../repository.ts";
import { checks, type Attack } from "./attack.ts";
import { fileOf } from "./recorded.ts";

const places = ["2.root.json", "timestamp.json", "2.snapshot.json", "2.targets.json", "2.group-a.json"] as const;

/** 64 MB, which is more than any bound here; a client without bounds is not to eat up the machine of whoever tests it. */
const endless: RequestListener = (_request, response) => {
  let left = 1000;
  const more = (): void => {
    while (left > 0 && !response.destroyed && response.write(Buffer.alloc(65_536, " "))) left -= 1;
    if (left === 0) response.destroy();
  };
  response.on("drain", more);
  more();
};

const drip: RequestListener = (_request, response) => {
  const timer = setInterval(() => response.write(" "), 100);
  response.on("close", () => clearInterval(timer));
};

/** What a server can make a client spend: bytes without end, time without end. */
export const resources: readonly Attack[] = [
  ...places.map((name): Attack => ({
    name: "Endless data attack",
    does: `${name} has no end`,
    mount: ({ publish, instead }) => {
      publish("group-a", "targets");
      instead.set(name, endless);
    },
    noticed: `LIMIT ${name}`,
    checks: [checks.received],
  })),
  {
    name: "Endless data attack",
    does: "a policy has one byte more than was signed",
    mount: async ({ sim, publish, instead }) => {
      const packed = gzipSync(policyOf("new"));
      sim.targets.targets.set("policy.json", packed);
      publish("targets");
      instead.set(await fileOf(sim, "policy.json"), Buffer.concat([packed, Buffer.of(0)]));
    },
    noticed: /^LIMIT [0-9a-f]{64}\.policy\.json$/,
    checks: [checks.received, checks.announced],
  },
  {
    name: "Endless data attack",
    does: "a signed policy unpacks to more than a policy may have",
    mount: ({ sim, publish }) => {
      sim.targets.targets.set("policy.json", gzipSync(Buffer.alloc(limits.policy + 1)));
      publish("targets");
    },
    noticed: "LIMIT policy.json",
    checks: [
      { file: "src/trust/generation.ts", line: "maxOutputLength: bound", without: "    return await inflate(packed);" },
    ],
  },
  {
    name: "Endless data attack",
    does: "an answer is compressed on its way",
    mount: ({ publish, instead }) => {
      publish("targets");
      instead.set("timestamp.json", (_request, response) => {
        response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(Buffer.alloc(1_000_000)));
      });
    },
    noticed: "HTTP timestamp.json",
    checks: [{ file: "src/lib/request.ts", line: 'encoding !== undefined && encoding !== "identity"', without: "" }],
  },
  {
    name: "Endless data attack",
    does: "an answer leads elsewhere",
    mount: ({ publish, instead }) => {
      publish("targets");
      instead.set(
        "timestamp.json",
        (_request, response) => void response.writeHead(302, { location: "/timestamp.json" }).end(),
      );
    },
    noticed: "HTTP timestamp.json",
    checks: [
      checks.redirect,
      { file: "src/trust/fetcher.ts", line: "if (reply.status === 200) return", without: "  return reply.bytes;" },
    ],
  },
  {
    name: "Our own list",
    does: "targets are shorter than signed, where no hash was signed",
    mount: ({ sim, publish }) => {
      publish("targets");
      sim.snapshot.bend = (content) => {
        const meta = content["meta"] as Record<string, object>;
        return { ...content, meta: { ...meta, "targets.json": { version: 2, length: 100_000 } } };
      };
    },
    noticed: "MISMATCH targets.json",
    checks: [checks.length],
  },
  ...places.map((name): Attack => ({
    name: "Slow retrieval attack",
    does: `${name} comes a byte now and then`,
    mount: ({ publish, instead }) => {
      publish("group-a", "targets");
      instead.set(name, drip);
    },
    noticed: `TIMEOUT ${name}`,
    checks: [checks.deadline],
  })),
  {
    name: "Slow retrieval attack",
    does: "a policy comes a byte now and then",
    mount: async ({ sim, publish, instead }) => {
      sim.targets.targets.set("policy.json", gzipSync(policyOf("new")));
      publish("targets");
      instead.set(await fileOf(sim, "policy.json"), drip);
    },
    noticed: /^TIMEOUT [0-9a-f]{64}\.policy\.json$/,
    checks: [checks.deadline],
  },
  {
    name: "Slow retrieval attack",
    does: "each file comes late, and all of them together too late",
    mount: async ({ sim, publish, instead }) => {
      publish("group-a", "targets");
      const files = await sim.files();
      for (const name of places)
        instead.set(name, (_request, response) => {
          const bytes = files.get(name);
          setTimeout(() => response.writeHead(bytes === undefined ? 404 : 200).end(bytes), 600);
        });
    },
    noticed: /^TIMEOUT 2\./,
    checks: [
      {
        file: "src/trust/fetcher.ts",
        line: "const left = this.#at - performance.now();",
        without: "    const left = 2_000;",
      },
    ],
  },
];
