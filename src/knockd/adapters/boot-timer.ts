import { getSystemErrorName } from "node:util";
import { loadLibC } from "../../shared/host/adapters/libc.ts";
import { HostError } from "../../shared/host/failure.ts";
import type { Timer } from "../alarms.ts";

/** linux/time.h, signal.h. */
const CLOCK_BOOTTIME = 7;
const SIGALRM = 14;

/** struct sigevent: what the handler is given, 8 bytes, then the signal; SIGEV_SIGNAL, which is 0; zeros. 64-bit machines. */
const SIGEVENT = { size: 64, signal: 8 } as const;
/** struct itimerspec: the interval, none, and the time left, each in seconds and nanoseconds of 8 bytes. */
const ITIMERSPEC = { size: 32, seconds: 16, nanoseconds: 24 } as const;

/**
 * Makes a timer that goes on while the machine sleeps (timer_create(2), CLOCK_BOOTTIME) and tells by SIGALRM. Node's
 * own stand still then: with them one has to look every few seconds, and each look wakes a program that has nothing to do.
 * @param ring called when the time is over
 * @throws HostError when the kernel has none to give
 */
export async function openBootTimer(ring: () => void): Promise<Timer> {
  const { func, errno } = await loadLibC();
  const create = func("int timer_create(int, const void *, _Out_ intptr_t *)");
  const set = func("int timer_settime(intptr_t, int, const void *, void *)");
  const must = (result: number, what: string): void => {
    if (result === 0) return;
    const message = `this machine gives no timer: ${what}: ${getSystemErrorName(-errno())}`;
    throw new HostError(
      message,
      "look at LimitSIGPENDING= and SystemCallFilter= of the unit, or at ulimit -i",
    );
  };
  process.on("SIGALRM", ring); // before there is a timer: a signal that nobody heeds ends the process
  const event = Buffer.alloc(SIGEVENT.size);
  event.writeInt32LE(SIGALRM, SIGEVENT.signal);
  const id: [number] = [0];
  must(create(CLOCK_BOOTTIME, event, id), "timer_create");
  return (after) => {
    const ms = Math.max(1, Math.ceil(after)); // 0 would stop it
    const time = Buffer.alloc(ITIMERSPEC.size);
    time.writeBigInt64LE(BigInt(Math.floor(ms / 1_000)), ITIMERSPEC.seconds);
    time.writeBigInt64LE(BigInt(ms % 1_000) * 1_000_000n, ITIMERSPEC.nanoseconds);
    must(set(id[0], 0, time, null), "timer_settime");
  };
}
