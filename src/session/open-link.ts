import { run } from "#platform/commands.ts";

/** xdg-utils; nothing else is tried. */
const opener = "/usr/bin/xdg-open";
/** Milliseconds: some browsers keep it waiting as long as they run. */
const deadline = 60_000;
/** What a browser needs to find this person's desktop. */
const needed = [
  "HOME",
  "USER",
  "XDG_RUNTIME_DIR",
  "DBUS_SESSION_BUS_ADDRESS",
  "DISPLAY",
  "WAYLAND_DISPLAY",
  "XAUTHORITY",
  "XDG_CURRENT_DESKTOP",
  "XDG_SESSION_TYPE",
];

/** Opens an https link with the person's own browser, as the person. Anything else is not opened. */
export async function openLink(url: string, env: Readonly<Record<string, string | undefined>>): Promise<void> {
  if (!URL.canParse(url) || new URL(url).protocol !== "https:") return;
  const own = needed.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]] as const]));
  await run(opener, [new URL(url).href], { deadline, env: Object.fromEntries(own) });
}
