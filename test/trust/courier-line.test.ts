import { expect, test } from "vitest";
import { parseAnswer, parseAsk, parseErrand } from "#trust/courier-line.ts";

// What is said between whoever enforces and the courier.

const errand = { metadataUrl: "https://a/", targetsUrl: "https://a/targets/" };
const ask = { id: 0, what: "metadata", name: "1.root.json", bytes: 0, timeoutMs: 1 };

type Read = (line: string) => unknown;
const good: readonly (readonly [read: Read, said: unknown, found: unknown])[] = [
  [parseErrand, errand, { ...errand, ca: undefined, proxy: undefined }],
  [parseErrand, { ...errand, ca: "PEM", proxy: "http://p:1" }, { ...errand, ca: "PEM", proxy: "http://p:1" }],
  [parseAsk, ask, { ...ask, etag: undefined }],
  [parseAsk, { ...ask, what: "timestamp", etag: '"e"' }, { ...ask, what: "timestamp", etag: '"e"' }],
  [parseAsk, { ...ask, id: 7, what: "target", bytes: 9 }, { ...ask, id: 7, what: "target", bytes: 9, etag: undefined }],
  [parseAnswer, { id: 0, length: 0 }, { id: 0, length: 0, etag: undefined }],
  [parseAnswer, { id: 1, length: 5, etag: '"e"' }, { id: 1, length: 5, etag: '"e"' }],
  [parseAnswer, { id: 1, is: "absent" }, { id: 1, is: "absent" }],
  [parseAnswer, { id: 1, is: "unchanged" }, { id: 1, is: "unchanged" }],
  ...["FORMAT", "HTTP", "LIMIT", "MISMATCH", "NETWORK", "TIMEOUT"].map((code): [Read, unknown, unknown] => [
    parseAnswer,
    { id: 1, error: { code, message: "m" } },
    { id: 1, error: { code, message: "m" } },
  ]),
];

test.each(good.map(([read, said, found]) => [read.name, JSON.stringify(said), read, found] as const))(
  "%s takes %s",
  (_name, line, read, found) => {
    expect(read(line)).toEqual(found);
  },
);

const bad: readonly (readonly [read: Read, said: unknown, why: string])[] = [
  [parseErrand, [], "an errand is not an object"],
  [parseErrand, { ...errand, metadataUrl: 1 }, "metadataUrl is not a text"],
  [parseErrand, { ...errand, targetsUrl: undefined }, "targetsUrl is not a text"],
  [parseErrand, { ...errand, ca: null }, "ca is not a text"],
  [parseErrand, { ...errand, proxy: 1 }, "proxy is not a text"],
  [parseAsk, 1, "a request is not an object"],
  [parseAsk, { ...ask, id: -1 }, "id is not an integer of at least 0"],
  [parseAsk, { ...ask, what: "root" }, "what is none of metadata, timestamp, target"],
  [parseAsk, { ...ask, name: null }, "name is not a text"],
  [parseAsk, { ...ask, bytes: -1 }, "bytes is not an integer of at least 0"],
  [parseAsk, { ...ask, etag: 1 }, "etag is not a text"],
  [parseAsk, { ...ask, timeoutMs: 0 }, "timeoutMs is not an integer of at least 1"],
  [parseAnswer, null, "an answer is not an object"],
  [parseAnswer, { id: -1, length: 1 }, "id is not an integer of at least 0"],
  [parseAnswer, { id: 1 }, "length is not an integer of at least 0"],
  [parseAnswer, { id: 1, length: -1 }, "length is not an integer of at least 0"],
  [parseAnswer, { id: 1, length: 1, etag: 1 }, "etag is not a text"],
  [parseAnswer, { id: 1, is: "here" }, "is is none of absent, unchanged"],
  [parseAnswer, { id: 1, error: "m" }, "error is not an object"],
  [parseAnswer, { id: 1, error: { code: "HTTP" } }, "message is not a text"],
  ...["SIGNATURE", "EXPIRED", "ROLLBACK", "VERSION", "CACHE", ""].map((code): [Read, unknown, string] => [
    parseAnswer,
    { id: 1, error: { code, message: "m" } },
    "code is none of FORMAT, HTTP, LIMIT, MISMATCH, NETWORK, TIMEOUT",
  ]),
];

test.each(bad.map(([read, said, why]) => [read.name, JSON.stringify(said), why, read] as const))(
  "%s does not take %s: %s",
  (_name, line, why, read) => {
    expect(() => read(line)).toThrow(expect.objectContaining({ code: "FORMAT", message: why }));
  },
);
