import { firewalldPlace } from "./firewalld.ts";
import {
  freepbxPlace,
  type HostFile,
  type IptablesDump,
  runningPlace,
  savedPlace,
} from "./iptables-places.ts";
import { kindOf, readIptables, usesBit } from "./iptables-text.ts";
import { nftPlacesIn } from "./nft-file.ts";
import {
  type NftChain,
  type NftRule,
  type NftRuleset,
  nftKind,
  nftPlaces,
  nftUsesBit,
  readNft,
} from "./nft-json.ts";
import type { Place } from "./place.ts";

/** The host's firewalls as they are: all that `integrate` looks at. */
export interface HostFirewall {
  /** What `nft -j list ruleset` printed; "" where there is no nft. */
  readonly nft: string;
  readonly iptables: readonly IptablesDump[];
  /** The files of HOST_FILES, and those that files of nft include. */
  readonly files: readonly HostFile[];
}

/** What a file of the host is. */
type FileKind = "iptables" | "nft" | "ufw" | "freepbx" | "firewalld";

/** Where hosts keep the rules that they restore, with the family of those that have one. */
const PLACES: Readonly<Record<string, readonly [FileKind, 4 | 6]>> = {
  "/etc/iptables/rules.v4": ["iptables", 4],
  "/etc/iptables/rules.v6": ["iptables", 6],
  "/etc/sysconfig/iptables": ["iptables", 4],
  "/etc/sysconfig/ip6tables": ["iptables", 6],
  "/etc/nftables.conf": ["nft", 4],
  "/etc/sysconfig/nftables.conf": ["nft", 4],
  "/etc/ufw/before.rules": ["ufw", 4],
  "/etc/ufw/before6.rules": ["ufw", 6],
  "/etc/firewall-4.rules": ["freepbx", 4],
  "/etc/firewall-6.rules": ["freepbx", 6],
  "/etc/firewalld/direct.xml": ["firewalld", 4],
};

/** Says whether ufw is in use; read, never written. */
const UFW_CONF = "/etc/ufw/ufw.conf";

/** Every file that a survey wants to see. */
export const HOST_FILES: readonly string[] = [...Object.keys(PLACES), UFW_CONF];

/** What was found, and what is to be done about it. */
export interface Survey {
  readonly places: readonly Place[];
  /** Rules of the host that use our bit of the mark: with one of these nothing is done. */
  readonly conflicts: readonly string[];
  /** What only a person can do, or must know. */
  readonly notes: readonly string[];
  /** Why the accept-mark rule cannot be kept on this host at all; undefined when it can. */
  readonly hopeless: string | undefined;
}

/** Looks at the host's firewalls. @param mark our one bit */
export function survey(host: HostFirewall, mark: number): Survey {
  const ruleset = readNft(host.nft);
  const places = [...running(host, ruleset, mark), ...host.files.flatMap((file) => saved(host, file, mark))];
  return {
    places,
    conflicts: [...iptablesConflicts(host, mark), ...nftConflicts(ruleset, host, mark)],
    notes: notesOn(host, places),
    hopeless: ruleset.chains.some(isFirewalld) ? FIREWALLD : undefined,
  };
}

/** Measured on 1.3: what its direct rules accept is still rejected by its own chains. */
const FIREWALLD =
  "firewalld on nftables forgets rules that are not its own at each reload, and its direct rules decide nothing";

const isFirewalld = ({ family, table }: NftChain | NftRule): boolean =>
  family === "inet" && table === "firewalld";

/** A table that iptables-nft keeps is changed by iptables-nft only: nft would write rules it cannot print. */
const isIptables = ({ family, table }: NftChain | NftRule, { iptables }: HostFirewall): boolean =>
  iptables.some(
    ({ kind, text, family: number }) =>
      kind === "nft" && family === (number === 6 ? "ip6" : "ip") && text.includes(`\n*${table}\n`),
  );

const isOurs = ({ family, table }: NftChain | NftRule): boolean => family === "inet" && table === "knockline";

function running(host: HostFirewall, ruleset: NftRuleset, mark: number): Place[] {
  const native = (chain: NftChain): boolean =>
    !isOurs(chain) && !isFirewalld(chain) && !isIptables(chain, host);
  return [...host.iptables.flatMap((dump) => runningPlace(dump, mark)), ...nftPlaces(ruleset, mark, native)];
}

function saved(host: HostFirewall, file: HostFile, mark: number): Place[] {
  const [kind, family] = PLACES[file.path] ?? ["setting", 4];
  if (kind === "freepbx")
    return hasChain(host, family, "fpbxfirewall") ? freepbxPlace(file, family, mark) : [];
  if (kind === "firewalld") return hasChain(host, 4, "INPUT_direct") ? firewalldPlace(file, mark) : [];
  if (file.text === undefined) return [];
  if (kind === "nft") return nftPlacesIn(file, host.files, mark);
  const check = [`ip${family === 6 ? "6" : ""}tables-restore`, "--test"];
  if (kind === "iptables") return savedPlace({ ...file, family, check }, mark);
  // before.rules jumps to chains that only ufw makes: it cannot be tried by itself
  return kind === "ufw" && hasUfw(host) ? savedPlace({ ...file, family, check: undefined }, mark) : [];
}

const hasUfw = ({ files }: HostFirewall): boolean =>
  /^ENABLED=yes$/im.test(files.find(({ path }) => path === UFW_CONF)?.text ?? "");

/** Whether a chain runs that only one program makes. */
const hasChain = ({ iptables }: HostFirewall, family: 4 | 6, chain: string): boolean =>
  iptables.some((dump) => dump.family === family && dump.text.includes(`\n:${chain} `));

function iptablesConflicts({ iptables }: HostFirewall, mark: number): string[] {
  return iptables.flatMap(({ kind, family, text }) => {
    const { rules, lines } = readIptables(text);
    return rules
      .filter((rule) => usesBit(rule, mark) && !kindOf(rule, mark).ours)
      .map(({ table, line }) => `iptables-${kind}, IPv${family}, table ${table}: ${lines[line]}`);
  });
}

function nftConflicts({ rules }: NftRuleset, host: HostFirewall, mark: number): string[] {
  return rules
    .filter((rule) => !isOurs(rule) && !isIptables(rule, host))
    .filter((rule) => nftUsesBit(rule, mark) && !nftKind(rule, mark).ours)
    .map((rule) => `nft ${rule.family} ${rule.table} ${rule.chain}: the rule with handle ${rule.handle}`);
}

function notesOn(host: HostFirewall, places: readonly Place[]): string[] {
  const homeless = (["IPv4", "IPv6", "nft"] as const)
    .filter((rules) => places.some((place) => !place.saved && place.rules.includes(rules)))
    .filter((rules) => !places.some((place) => place.saved && place.rules.includes(rules)))
    .map((rules) => HOMELESS[rules]);
  const freepbx = ([4, 6] as const).some((family) => hasChain(host, family, "fpbxfirewall")) ? [FREEPBX] : [];
  return [...homeless, ...freepbx];
}

const HOMELESS = {
  IPv4: "no file was found that restores the IPv4 rules: after a reboot run this again, or install iptables-persistent",
  IPv6: "no file was found that restores the IPv6 rules: after a reboot run this again, or install iptables-persistent",
  nft: "the input chain is in no file that was found: after a reboot run this again, or keep it in /etc/nftables.conf",
} as const;

const FREEPBX =
  "FreePBX reads /etc/firewall-4.rules only with its setting Custom Firewall Rules (Firewall, Advanced) enabled";
