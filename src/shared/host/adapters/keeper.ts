import { setTimeout as delay } from "node:timers/promises";
import { type Duration, milliseconds, seconds } from "../../duration.ts";
import type { Log } from "../../log/log.ts";
import { openNotifySocket } from "./notify-socket.ts";

/** Who started this process as a service: systemd, told by sd_notify(3). Without one nobody is told anything. */
export interface Keeper {
  /** Says that the service is up, and in one line how it is. */
  ready(status: string): Promise<void>;
  /**
   * Says again and again that the service is alive, each time only after a proof. Who gives no proof for as long as
   * the unit's WatchdogSec is ended and started anew.
   * @param prove rejects, or does not come back, when the service is not alive
   */
  keepAlive(prove: () => Promise<unknown>): void;
}

/** As many as sd_watchdog_enabled(3) advises. */
const PINGS_A_PERIOD = 2;
/** systemd may be busy: for how long, and how often, it is told again. */
const PATIENCE = seconds(10);
const TELL_AGAIN = milliseconds(100);

/** Finds the keeper in the environment. The unit needs NotifyAccess=main. */
export function findKeeper(log: Log): Keeper {
  const { NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID } = process.env;
  if (NOTIFY_SOCKET === undefined) return { ready: async () => undefined, keepAlive: () => undefined };
  const isOurs = WATCHDOG_PID === undefined || WATCHDOG_PID === String(process.pid);
  const period = isOurs ? Number(WATCHDOG_USEC ?? 0) / 1000 : 0;
  const socket = openNotifySocket(NOTIFY_SOCKET);
  const tell = async (...lines: readonly string[]): Promise<void> => {
    const end = performance.now() + PATIENCE;
    try {
      const send = await socket;
      while (!send(lines)) {
        if (performance.now() > end) throw new Error("it does not read what it is told");
        await delay(TELL_AGAIN);
      }
    } catch (error) {
      log.error("systemd could not be told", { message: String(error) });
    }
  };
  return {
    ready: (status) => tell("READY=1", `STATUS=${status}`),
    keepAlive: (prove) => {
      if (period > 0) ping(prove, () => tell("WATCHDOG=1"), milliseconds(period / PINGS_A_PERIOD), log);
    },
  };
}

/** One proof after another: while one does not come back there is no next, and no ping. */
function ping(prove: () => Promise<unknown>, tell: () => Promise<void>, every: Duration, log: Log): void {
  const once = async (): Promise<void> => {
    try {
      await prove();
      await tell();
    } catch (error) {
      log.error("no proof for the watchdog", { message: String(error) });
    }
    setTimeout(once, every);
  };
  void once();
}
