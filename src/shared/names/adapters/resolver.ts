import { Resolver as Dns } from "node:dns/promises";
import { seconds } from "../../duration.ts";
import type { FamilyAnswer, NameAnswer, Resolver } from "../answer.ts";

/** What the questions about one name may take with their repeats; then they count as not answered. */
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
  ECANCELLED: "no answer in time",
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
      const both = [
        answered(one.resolve4(name, { ttl: true })),
        answered(one.resolve6(name, { ttl: true })),
      ] as const;
      const [v4, v6] = await limited(Promise.all(both), one);
      return { v4, v6 };
    },
    reverse: async (address) => {
      const one = dns();
      const names = await limited(one.reverse(address), one).catch(() => []);
      return names.slice(0, MAX_REVERSE);
    },
  };
}

async function answered(question: Promise<{ address: string; ttl: number }[]>): Promise<FamilyAnswer> {
  try {
    const list = await question;
    return list.length > 0 ? { kind: "addresses", list } : { kind: "none", why: "no address" };
  } catch (error) {
    const { code = "", message } = error as NodeJS.ErrnoException;
    const kind = code === "ENOTFOUND" || code === "ENODATA" ? "none" : "failed";
    return { kind, why: WORDS[code] ?? (code === "" ? message : code) };
  }
}

/** Ends questions that take too long, whatever c-ares thinks of it: they fail with ECANCELLED. */
async function limited<T>(questions: Promise<T>, dns: Dns): Promise<T> {
  const late = setTimeout(() => dns.cancel(), LIMIT);
  try {
    return await questions;
  } finally {
    clearTimeout(late);
  }
}
