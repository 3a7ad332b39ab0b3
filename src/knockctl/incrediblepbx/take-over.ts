import { allowable } from "../../shared/access/allow.ts";
import { formatPorts, type PortRange, type Service } from "../../shared/firewall/policy.ts";
import { Refusal } from "../../shared/gate/verbs.ts";
import { escaped } from "../../shared/log/unprintable.ts";
import { parseName } from "../../shared/names/name.ts";
import { maskOf, parseNetwork } from "../../shared/network.ts";
import { type KnockdConf, readKnockdConf } from "./knockd-conf.ts";
import { type At, type FoundFile, type Listed, type Remark, readWhitelist } from "./whitelist.ts";

/** An entry for the allowlist, and every line that asks for it. */
export interface Entry {
  readonly what: string;
  /** Empty: all. */
  readonly services: readonly string[];
  readonly note: string | null;
  readonly from: readonly At[];
}

/** What is to be done with an installation, and what is not. */
export interface TakeOver {
  readonly files: readonly string[];
  readonly entries: readonly Entry[];
  readonly left: readonly Remark[];
  /** With one of these nothing is imported. */
  readonly problems: readonly Remark[];
  /** undefined: there is no knockd.conf. */
  readonly knockd: KnockdConf | undefined;
}

/** What the admin says about it. */
export interface Choice {
  readonly services: readonly Service[];
  /** For every entry, whatever the rules say; undefined: by their ports. */
  readonly only: readonly string[] | undefined;
  /** Very wide networks are meant. */
  readonly wide: boolean;
}

/** What the gate takes of a note. Characters. */
const LONGEST_NOTE = 200;

type Judged =
  | { readonly kind: "entry"; readonly entry: Entry }
  | { readonly kind: "left" | "problem"; readonly remark: Remark };

/** @returns true for the file that is knockd's, not a list of who is let in */
const isKnockdConf = ({ path }: FoundFile): boolean => path.endsWith("/knockd.conf");

/** Says what becomes of each line of an installation's files. Nothing is done. */
export function takeOver(files: readonly FoundFile[], choice: Choice): TakeOver {
  const lists = files.filter((file) => !isKnockdConf(file)).map(readWhitelist);
  const conf = files.find(isKnockdConf);
  const knockd = conf && readKnockdConf(conf);
  const names = namesOf(lists.flatMap(({ listed }) => listed));
  const judged = lists.flatMap(({ listed }) => listed.map((one) => judge(one, names, choice)));
  const remarks = (kind: "left" | "problem"): Remark[] =>
    judged.flatMap((one) => (one.kind === kind ? [one.remark] : []));
  return {
    files: files.map(({ path }) => path),
    entries: merged(judged.flatMap((one) => (one.kind === "entry" ? [one.entry] : []))),
    left: [...lists.flatMap(({ left }) => left), ...remarks("left"), ...(knockd?.left ?? [])],
    problems: [
      ...lists.flatMap(({ problems }) => problems),
      ...remarks("problem"),
      ...(knockd?.problems ?? []),
    ],
    knockd,
  };
}

/** The name that each account goes by, where it has one. */
function namesOf(listed: readonly Listed[]): Map<string, string> {
  return new Map(
    // bounded: by the account files
    listed.flatMap(({ account, source }): [string, string][] => {
      const name = account === null ? undefined : parseName(source);
      return account === null || name === undefined ? [] : [[account, name]];
    }),
  );
}

/** Prefix lengths by netmask. */
const LENGTHS = new Map(
  Array.from({ length: 33 }, (_, length) => [maskOf({ family: 4, length }), length] as const),
);

/** `192.0.2.0/255.255.255.0` as `192.0.2.0/24`, and bits beyond the prefix cleared, as iptables does. */
function canonical(source: string): string {
  const [host = "", mask = ""] = source.split("/");
  const length = LENGTHS.get(mask);
  const parsed = parseNetwork(length === undefined ? source : `${host}/${length}`);
  return parsed === undefined ? source : parsed.ok ? parsed.network : parsed.meant;
}

function judge(one: Listed, names: ReadonlyMap<string, string>, { services, only, wide }: Choice): Judged {
  const source = canonical(one.source);
  const remark = (why: string): Remark => ({ at: one.at, text: one.source, why });
  const name = one.account === null ? undefined : names.get(one.account);
  if (name !== undefined && parseName(source) === undefined)
    return { kind: "left", remark: remark(`what ${name} stood for at some time: the name itself is taken`) };
  const opened = only ?? servicesFor(one.ports, services);
  if (opened === undefined)
    return {
      kind: "left",
      remark: remark(`no service has ${one.ports.map(formatPorts).join(", ")}: add one under [services]`),
    };
  try {
    const { what } = allowable(source, wide);
    const note = one.note === null ? null : escaped(one.note).slice(0, LONGEST_NOTE);
    return { kind: "entry", entry: { what, services: opened, note, from: [one.at] } };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return {
      kind: error.code === "usage" ? "problem" : "left",
      remark: remark(`${error.message}: ${error.cure}`),
    };
  }
}

/** @returns the services that one of the ports belongs to, none for all; undefined when there is no such service */
export function servicesFor(ports: readonly PortRange[], services: readonly Service[]): string[] | undefined {
  if (ports.length === 0) return [];
  const meet = (a: PortRange, b: PortRange): boolean =>
    a.proto === b.proto && a.from <= b.to && b.from <= a.to;
  const opened = services.filter((service) =>
    service.ports.some((own) => ports.some((port) => meet(own, port))),
  );
  return opened.length === 0 ? undefined : opened.map(({ name }) => name);
}

/** One entry for each address, network and name, for all the services that any line says. */
function merged(entries: readonly Entry[]): Entry[] {
  const groups = new Map<string, Entry[]>(); // bounded: by the lines read
  for (const entry of entries) {
    const group = groups.get(entry.what);
    if (group === undefined) groups.set(entry.what, [entry]);
    else group.push(entry);
  }
  return [...groups].map(([what, group]) => {
    const toAll = group.some(({ services }) => services.length === 0);
    return {
      what,
      services: toAll ? [] : [...new Set(group.flatMap(({ services }) => services))],
      note: group.find(({ note }) => note !== null)?.note ?? null,
      from: group.flatMap(({ from }) => from),
    };
  });
}
