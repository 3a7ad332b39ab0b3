import { Resolver as Dns } from "node:dns/promises";
import { setTimeout as after } from "node:timers/promises";
import { seconds } from "../../duration.ts";
import type { FamilyAnswer, NameAnswer, Resolver } from "../answer.ts";

/** What one question may take with its repeats; then it counts as not answered. */
const LIMIT = seconds(4);
/** What one server has for the first try; the second has twice as long. */
const TRY = seconds(1);
const TRIES = 2;
/** The names of one address that are of any use. */
const MAX_REVERSE = 8;

/** c-ares's codes (node:dns) in the words that resolvers' admins use. */
const WORDS: Readonly<Record<string, string>> = {
  ENOTFOUND: "NXDOMAIN: there is no such name",
  ENODATA: "no address",
  ESERVFAIL: "SERVFAIL",
  EREFUSED: "refused by the resolver",
  ETIMEOUT: "no answer in time",
  ECONNREFUSED: "no resolver answers",
};

/**
 * DNS by c-ares (node:dns), never the system's getaddrinfo: with TTLs, without /etc/hosts, and without a thread of the
 * pool held for each question.
 * @param servers gives addresses of resolvers; none: those of /etc/resolv.conf. Asked anew for each name
 */
export function openResolver(servers: () => readonly string[]): Resolver {
  const dns = (): Dns => {
    const one = new Dns({ timeout: TRY, tries: TRIES });
    const chosen = servers();
    if (chosen.length > 0) one.setServers(chosen);
    return one;
  };
  return {
    lookUp: async (name): Promise<NameAnswer> => {
      const one = dns();
      const [v4, v6] = await Promise.all([
        answered(one.resolve4(name, { ttl: true }), one),
        answered(one.resolve6(name, { ttl: true }), one),
      ]);
      return { v4, v6 };
    },
    reverse: async (address) => {
      const one = dns();
      const names = await limited(one.reverse(address), one).catch(() => []);
      return names.slice(0, MAX_REVERSE);
    },
  };
}

async function answered(
  question: Promise<{ address: string; ttl: number }[]>,
  dns: Dns,
): Promise<FamilyAnswer> {
  try {
    const list = await limited(question, dns);
    return list.length > 0 ? { kind: "addresses", list } : { kind: "none", why: "no address" };
  } catch (error) {
    const { code = "", message } = error as NodeJS.ErrnoException;
    const kind = code === "ENOTFOUND" || code === "ENODATA" ? "none" : "failed";
    return { kind, why: WORDS[code] ?? (code === "" ? message : code) };
  }
}

/** Ends a question that takes too long, whatever c-ares thinks of it. */
async function limited<T>(question: Promise<T>, dns: Dns): Promise<T> {
  const done = new AbortController();
  const late = after(LIMIT, undefined, { signal: done.signal }).then(
    () => {
      dns.cancel();
      throw Object.assign(new Error("no answer in time"), { code: "ETIMEOUT" });
    },
    () => new Promise<never>(() => undefined), // answered before
  );
  try {
    return await Promise.race([question, late]);
  } finally {
    done.abort();
    question.catch(() => undefined);
  }
}
