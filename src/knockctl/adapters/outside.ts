import { lookup } from "node:dns/promises";
import { connect } from "node:net";
import { hostname, networkInterfaces } from "node:os";
import { performance } from "node:perf_hooks";
import { setTimeout as after } from "node:timers/promises";
import { type Address, familyOf, parseAddress } from "../../shared/address.ts";
import type { Duration } from "../../shared/duration.ts";
import { start } from "../../shared/host/adapters/run.ts";
import type { Client } from "../audit/outside/client-file.ts";
import type { Outside, Reached } from "../audit/outside/walk.ts";

const OUTCOMES: Readonly<Record<string, Reached>> = {
  ECONNREFUSED: "refused",
  ECONNRESET: "refused",
  ETIMEDOUT: "silent",
};

function tryOnce(where: Parameters<Outside["connect"]>[0]): Promise<Reached> {
  return new Promise((settle) => {
    const { address, port, from, limit } = where;
    const socket = connect({ host: address, port, ...(from !== undefined && { localAddress: from }) });
    const end = (reached: Reached): void => {
      clearTimeout(timer);
      socket.destroy();
      settle(reached);
    };
    const timer = setTimeout(() => end("silent"), limit);
    socket.once("connect", () => end("open"));
    socket.once("error", ({ code }: NodeJS.ErrnoException) => end(OUTCOMES[code ?? ""] ?? "unreachable"));
  });
}

/** Calls `tell` with whole lines, however they come in. */
function byLine(tell: (line: string) => void): { take: (piece: string) => void; rest: () => void } {
  let rest = ""; // bounded: MOST, what is longer is cut
  return {
    take(piece) {
      const lines = (rest + piece).split("\n");
      rest = (lines.pop() ?? "").slice(0, MOST);
      for (const line of lines) tell(line);
    },
    rest: () => {
      if (rest !== "") tell(rest);
    },
  };
}

/** Of a line that a client says. Characters. */
const MOST = 1_000;

/** The client asks for codes and passphrases on the terminal by itself, which is ours too. */
async function knock({ path }: Client, address: Address, limit: Duration, tell: (line: string) => void) {
  const lines = byLine(tell);
  const child = start(["bash", path, `-${familyOf(address)}`, address], {
    stdout: lines.take,
    stderr: lines.take,
  });
  const timer = setTimeout(() => child.end(), limit);
  const { code, missing } = await child.ended;
  clearTimeout(timer);
  lines.rest();
  if (missing) tell("bash is not installed here");
  return code;
}

/** The network as this machine sees it. */
export function openOutside(): Outside {
  return {
    name: hostname(),
    uptime: () => performance.now(),
    lookUp: async (host) => {
      const literal = parseAddress(host);
      // in the system's own order, which is also that of the client
      return (
        literal ??
        lookup(host).then(
          ({ address }) => parseAddress(address),
          () => undefined,
        )
      );
    },
    addressOf: (device, like) =>
      (networkInterfaces()[device] ?? [])
        .flatMap(({ address }) => parseAddress(address) ?? [])
        .find((address) => familyOf(address) === familyOf(like) && !address.startsWith("fe80:")),
    connect: tryOnce,
    knock,
    pause: async (span) => {
      await after(span);
    },
  };
}
