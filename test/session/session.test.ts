import { createBroker, createClient, type DBusBroker, type MessageBus } from "dbus-native";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterEach, expect, test } from "vitest";
import { toastSchema, type FromSession, type Toast } from "#protocol/session.ts";
import { connect } from "#session/notifications.ts";
import { openLink } from "#session/open-link.ts";
import { runSession } from "#session/session.ts";

interface Drawn {
  readonly title: string;
  readonly body: string;
  readonly actions: readonly string[];
}
const open: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).toReversed()) await close();
});

/** A session bus in this process, with a notification server that can what `capabilities` say. */
async function busWith(
  capabilities: readonly string[],
): Promise<{ address: string; drawn: Drawn[]; server: MessageBus; broker: DBusBroker }> {
  const folder = mkdtempSync(join(tmpdir(), "edict-bus-"));
  open.push(() => rmSync(folder, { recursive: true }));
  const broker = createBroker();
  const address = await new Promise<string>((resolve, reject) =>
    broker.listen({ socket: join(folder, "bus") }, (error, at) => (error === null ? resolve(at) : reject(error))),
  );
  open.push(() => void broker.close());
  const server = createClient({ busAddress: address });
  open.push(() => server.close());
  const drawn: Drawn[] = [];
  await server.ownName("org.freedesktop.Notifications");
  server.exportInterface(
    {
      GetCapabilities: () => capabilities,
      Notify: (_name: string, _id: number, _icon: string, title: string, body: string, actions: string[]) =>
        drawn.push({ title, body, actions }),
    },
    "/org/freedesktop/Notifications",
    {
      name: "org.freedesktop.Notifications",
      methods: { GetCapabilities: ["", "as", [], ["capabilities"]], Notify: ["susssasa{sv}i", "u", [], ["id"]] },
    },
  );
  return { address, drawn, server, broker };
}

/** A session on that bus. `next` gives what it says, in order. */
function sessionOn(address: string | undefined) {
  const input = new PassThrough();
  const said: FromSession[] = [];
  const opened: string[] = [];
  let heard = Promise.withResolvers<undefined>();
  const ended = runSession({
    input,
    say: (message) => {
      said.push(message);
      heard.resolve(undefined);
      heard = Promise.withResolvers();
    },
    connect: (events) =>
      address === undefined ? Promise.reject(new Error("there is no session bus")) : connect(address, events),
    open: (url) => Promise.resolve(void opened.push(url)),
  });
  open.push(async () => {
    input.end();
    await ended;
  });
  const next = async (): Promise<FromSession> => {
    while (said.length === 0) await heard.promise;
    const message = said.shift();
    if (message === undefined) throw new Error("nothing was said");
    return message;
  };
  return { send: (line: string) => input.write(`${line}\n`), end: () => input.end(), ended, next, opened };
}

const toast: Toast = toastSchema.parse({
  type: "toast",
  id: "t1",
  title: "Tool & Co was stopped.",
  body: 'Use <b>this</b> & "that".\nAsk.',
  actions: [
    { key: "open", label: "Get it" },
    { key: "why", label: "Why?" },
  ],
  url: "https://example.com/get",
});

test("markup is escaped where the server reads markup, and left alone where it does not", async () => {
  for (const [capabilities, body] of [
    [["body", "body-markup", "actions"], 'Use &lt;b&gt;this&lt;/b&gt; &amp; "that".\nAsk.'],
    [["body", "actions"], toast.body],
  ] as const) {
    const { address, drawn } = await busWith(capabilities);
    const session = sessionOn(address);
    session.send(JSON.stringify(toast));
    expect([await session.next(), await session.next()]).toEqual([{ type: "ready" }, { type: "shown", id: "t1" }]);
    expect(drawn).toEqual([{ title: toast.title, body, actions: ["open", "Get it", "why", "Why?"] }]);
  }
});

test("a server without buttons is not given any", async () => {
  const { address, drawn } = await busWith(["body"]);
  const session = sessionOn(address);
  session.send(JSON.stringify(toast));
  await session.next();
  await session.next();
  expect(drawn.map(({ actions }) => actions)).toEqual([[]]);
});

test("what is pressed is passed on, and a link is opened", async () => {
  const { address, server } = await busWith(["actions"]);
  const session = sessionOn(address);
  session.send(JSON.stringify(toast));
  await session.next();
  await session.next();
  const signal = (name: string, types: string, ...body: unknown[]): void =>
    server.sendSignal("/org/freedesktop/Notifications", "org.freedesktop.Notifications", name, types, body);
  signal("ActionInvoked", "us", 7, "open"); // somebody else's notification
  signal("ActionInvoked", "us", 1, "rm -rf"); // no button of ours
  signal("ActionInvoked", "us", 1, "why");
  signal("ActionInvoked", "us", 1, "open");
  signal("NotificationClosed", "uu", 1, 2);
  expect([await session.next(), await session.next(), await session.next()]).toEqual([
    { type: "pressed", id: "t1", key: "why" },
    { type: "pressed", id: "t1", key: "open" },
    { type: "closed", id: "t1" },
  ]);
  expect(session.opened).toEqual(["https://example.com/get"]);
});

test("without a bus each toast fails with the reason, and the session goes on", async () => {
  const session = sessionOn(undefined);
  await session.next();
  for (const id of ["a", "b"]) {
    session.send(JSON.stringify({ ...toast, id }));
    expect(await session.next()).toEqual({ type: "failed", id, why: "there is no session bus" });
  }
});

test("without a notification server a toast fails with the reason", async () => {
  const broker = createBroker();
  const folder = mkdtempSync(join(tmpdir(), "edict-bus-"));
  open.push(() => rmSync(folder, { recursive: true }));
  const address = await new Promise<string>((resolve) =>
    broker.listen({ socket: join(folder, "bus") }, (_e, at) => resolve(at)),
  );
  open.push(() => void broker.close());
  const session = sessionOn(address);
  session.send(JSON.stringify(toast));
  await session.next();
  const failed = await session.next();
  expect(failed).toMatchObject({ type: "failed", id: "t1" });
  expect("why" in failed ? failed.why : "").toContain("org.freedesktop.Notifications");
});

test("lines that are no toast are passed over", async () => {
  const { address } = await busWith([]);
  const session = sessionOn(address);
  await session.next();
  for (const line of [
    "",
    "{",
    "null",
    '{"type":"toast"}',
    JSON.stringify({ ...toast, actions: [{ key: "format", label: "x" }] }),
  ])
    session.send(line);
  session.send(JSON.stringify(toast));
  expect(await session.next()).toEqual({ type: "shown", id: "t1" });
});

test("it ends when the agent does, and when the bus does", async () => {
  const first = await busWith([]);
  const quiet = sessionOn(first.address);
  quiet.end();
  await expect(quiet.ended).resolves.toBeUndefined();
  const { address, broker } = await busWith([]);
  const session = sessionOn(address);
  session.send(JSON.stringify(toast));
  await session.next();
  await session.next();
  broker.close();
  await expect(session.ended).resolves.toBeUndefined();
});

test.each(["http://example.com", "file:///etc/passwd", "javascript:alert(1)", "--help", ""])(
  "%j is not opened, whoever asks",
  async (url) => {
    await expect(openLink(url, {})).resolves.toBeUndefined();
  },
);
