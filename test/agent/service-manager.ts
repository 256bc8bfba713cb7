import type { ChildProcess } from "node:child_process";
import { serviceManager } from "./notify-socket.ts";

/** Milliseconds between two looks, and after which a look that came late says more of this machine than of the service. */
const [period, late] = [50, 500];

export interface Watched {
  /** Everything that the service said, in order. */
  heard(): readonly string[];
  /** Resolves once it was killed, with what it had said. */
  readonly killed: Promise<readonly string[]>;
  /** Milliseconds in which a sign of life is wanted, as the service has them by now. */
  readonly watchdog: number;
}

/**
 * Plays systemd for one service: WatchdogSec=, WatchdogSignal=SIGKILL and WATCHDOG_USEC= (systemd.service(5), sd_notify(3)).
 * Like systemd it begins to wait at the first sign of life.
 */
export function watchOver(socket: string, watchdog: number): { with(service: ChildProcess): Watched } {
  const listen = serviceManager(socket);
  return {
    with(service) {
      let [wanted, since, looked, known] = [watchdog, Infinity, performance.now(), 0];
      const killed = Promise.withResolvers<readonly string[]>();
      const look = (): void => {
        const now = performance.now();
        const heard = listen();
        const news = heard.slice(known);
        known = heard.length;
        for (const word of news) {
          if (word.startsWith("WATCHDOG_USEC=")) wanted = Number(word.slice(14)) / 1000;
          if (word.startsWith("WATCHDOG")) since = now;
        }
        if (now - looked > late) since = Math.max(since, now);
        looked = now;
        if (now - since <= wanted) return;
        clearInterval(timer);
        service.kill("SIGKILL");
        killed.resolve(heard);
      };
      const timer = setInterval(look, period);
      service.once("exit", () => clearInterval(timer));
      return {
        killed: killed.promise,
        heard: () => listen(),
        get watchdog() {
          return wanted;
        },
      };
    },
  };
}
