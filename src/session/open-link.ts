import { run } from "#platform/commands.ts";
import { PlatformError } from "#platform/platform.ts";

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

/**
 * systemd-run(1): the browser becomes a unit of the person's own service manager. As a child of ours it would live under
 * the agent's confinement, in which a browser's own sandbox cannot be made, and end when the agent does.
 */
const launcher = "/usr/bin/systemd-run";

/** Opens an https link with the person's own browser, as the person. Anything else is not opened. */
export async function openLink(url: string, env: Readonly<Record<string, string | undefined>>): Promise<void> {
  if (!URL.canParse(url) || new URL(url).protocol !== "https:") return;
  const own = needed.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]] as const]));
  const options = { deadline, env: Object.fromEntries(own) };
  const link = new URL(url).href;
  if (await handOver(own, link, options)) return;
  await run(opener, [link], options);
}

/** False where the person has no service manager of their own. */
async function handOver(
  own: readonly (readonly [string, string])[],
  link: string,
  options: Parameters<typeof run>[2],
): Promise<boolean> {
  const settings = own.map(([name, value]) => `--setenv=${name}=${value}`);
  const how = ["--user", "--collect", "--quiet"];
  // "$" begins a variable there (systemd.service(5), COMMAND LINES).
  const unexpanded = link.replaceAll("$", "$$$$");
  try {
    const started = await run(launcher, [...how, ...settings, "--", opener, unexpanded], options);
    return started.code === 0;
  } catch (error) {
    if (error instanceof PlatformError) return false;
    throw error;
  }
}
