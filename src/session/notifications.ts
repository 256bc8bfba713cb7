import { createClient, type MessageBus } from "dbus-native";
import { z } from "zod";

/** One notification as the server is asked to draw it. */
export interface Note {
  readonly title: string;
  readonly body: string;
  readonly actions: readonly { readonly key: string; readonly label: string }[];
}

/** The desktop's notification server (Desktop Notifications Specification 1.2). */
export interface Notifications {
  /** The server's id of it. Buttons and markup are left out where the server has none. @throws when nobody draws it */
  show(note: Note): Promise<number>;
  close(): void;
}

export interface NotificationEvents {
  readonly pressed: (id: number, key: string) => void;
  readonly closed: (id: number) => void;
  /** The bus is gone; nothing more comes. */
  readonly ended: () => void;
}

const service = {
  destination: "org.freedesktop.Notifications",
  path: "/org/freedesktop/Notifications",
  interface: "org.freedesktop.Notifications",
} as const;
/** Milliseconds a server may take: it may have to be started first. */
const patience = 8_000;

const signalSchema = z.union([
  z.object({ member: z.literal("ActionInvoked"), body: z.tuple([z.number(), z.string()]) }),
  z.object({ member: z.literal("NotificationClosed"), body: z.tuple([z.number(), z.number()]) }),
]);

/** Connects to a session bus. @throws when there is none */
export async function connect(busAddress: string, events: NotificationEvents): Promise<Notifications> {
  const bus = await open(busAddress);
  bus.connection.on("message", (message) => {
    if (message.interface !== service.interface || message.path !== service.path) return;
    const signal = signalSchema.safeParse(message);
    if (!signal.success) return;
    const { member, body } = signal.data;
    if (member === "ActionInvoked") events.pressed(body[0], body[1]);
    else events.closed(body[0]);
  });
  bus.connection.on("close", () => events.ended());
  bus.connection.on("error", () => events.ended());
  await bus.watch(`type='signal',sender='${service.destination}',interface='${service.interface}'`);
  return { show: (note) => show(bus, note), close: () => void bus.connection.end() };
}

/** `createClient` gives a bus that may never connect: wait for its name. */
async function open(busAddress: string): Promise<MessageBus> {
  const bus = createClient({ busAddress, timeout: patience, maxMessageSize: 1 << 20 });
  await new Promise<void>((resolve, reject) => {
    bus.connection.once("error", reject);
    bus.connection.once("close", () => reject(new Error("the session bus closed the connection")));
    bus.connection.once("connect", resolve);
  });
  return bus;
}

async function show(bus: MessageBus, note: Note): Promise<number> {
  const can = new Set(z.array(z.string()).parse(await bus.invoke<unknown>({ ...service, member: "GetCapabilities" })));
  const body = can.has("body-markup") ? escape(note.body) : note.body;
  const actions = can.has("actions") ? note.actions.flatMap(({ key, label }) => [key, label]) : [];
  const reply = await bus.invoke<unknown>({
    ...service,
    member: "Notify",
    signature: "susssasa{sv}i",
    // Name, replaces nothing, icon, summary, body, actions, hints, the server's own time to show it.
    body: ["Edict", 0, "dialog-information", note.title, body, actions, [["urgency", ["y", 1]]], -1],
  });
  return z.number().parse(reply);
}

/** The body is a little XML where the server says so (specification, "Markup"). */
function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
