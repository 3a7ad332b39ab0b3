import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Host } from "./lab.ts";

/** A host's own firewall beside ours: deny by default, kept in files under a folder that stands for `/`. */
export interface HostFirewall {
  /** Stands for `/`: for `--root`. */
  readonly root: string;
  /** Loads the saved files, as the host does at boot and at reload. */
  restore(): Promise<void>;
  /** The host's own rules as they run, without counters and times. */
  running(): Promise<string>;
  /** Every saved file, by name. */
  saved(): Record<string, string>;
  /** Puts one more rule in by hand: of ours, or of somebody who uses our bit. */
  plant(what: "ours" | "foreign"): Promise<void>;
  /** Takes the foreign rule out again. */
  pull(): Promise<void>;
  close(): void;
}

/** A kind of firewall: what its files say, and how it is spoken to. */
interface Kind {
  readonly files: Readonly<Record<string, string>>;
  /** Command and stdin's file, by saved file. */
  readonly restore: Readonly<Record<string, readonly string[]>>;
  readonly running: readonly (readonly string[])[];
  readonly plant: Readonly<Record<"ours" | "foreign", readonly string[]>>;
  readonly pull: readonly string[];
}

/** Stands in a command for the folder that stands for `/`. */
const ROOT = "ROOT";

const NFT = `#!/usr/sbin/nft -f

flush ruleset

# the admin's own
table inet host {
	chain input {
		type filter hook input priority filter; policy drop;
		iif "lo" accept
		ct state established,related accept # his own connections
		meta l4proto { icmp, ipv6-icmp } accept
		tcp dport 8080 accept comment "stays open"
	}

	chain forward {
		type filter hook forward priority filter; policy drop;
	}
}
`;

/** The same in files that the main one includes, with a word that only the main one explains. */
const NFT_MAIN = `#!/usr/sbin/nft -f

flush ruleset

define OPEN = 8080
include "lab.d/*"
`;

const iptablesFile = (icmp: string): string => `# the admin's own
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p ${icmp} -j ACCEPT
-A INPUT -p tcp -m tcp --dport 8080 -m comment --comment "stays open" -j ACCEPT
COMMIT
`;

function iptables(kind: "nft" | "legacy"): Kind {
  const rule = ["-m", "mark", "--mark", "0x04000000/0x04000000", "-j", "ACCEPT"];
  const foreign = ["-A", "FORWARD", "-p", "esp", ...rule.with(-1, "DROP")];
  const program = `iptables-${kind}`;
  return {
    files: {
      "etc/iptables/rules.v4": iptablesFile("icmp"),
      "etc/iptables/rules.v6": iptablesFile("ipv6-icmp"),
    },
    restore: {
      "etc/iptables/rules.v4": [`${program}-restore`],
      "etc/iptables/rules.v6": [`ip6tables-${kind}-restore`],
    },
    running: [[`${program}-save`], [`ip6tables-${kind}-save`]],
    plant: { ours: [program, "-A", "INPUT", ...rule], foreign: [program, ...foreign] },
    pull: [program, ...foreign.with(0, "-D")],
  };
}

const nft: Kind = {
  files: { "etc/nftables.conf": NFT },
  restore: { "etc/nftables.conf": ["nft", "-f", "-"] },
  running: [["nft", "list", "table", "inet", "host"]],
  plant: {
    ours: "nft add rule inet host input meta mark and 0x04000000 == 0x04000000 counter accept".split(" "),
    foreign: "nft add rule inet host forward meta mark set meta mark | 0x04000000".split(" "),
  },
  pull: "nft flush chain inet host forward".split(" "),
};

const included: Kind = {
  ...nft,
  files: {
    "etc/nftables.conf": NFT_MAIN,
    "etc/lab.d/10-host.nft": NFT.slice(NFT.indexOf("# the")).replace("dport 8080", "dport $OPEN"),
  },
  restore: { "etc/nftables.conf": ["nft", "-I", `${ROOT}/etc`, "-f", "-"] },
};

/** The firewalls that hosts have of their own. */
export const KINDS = {
  "nftables of its own": nft,
  "nftables in included files": included,
  "iptables-nft": iptables("nft"),
  "iptables-legacy": iptables("legacy"),
} as const;

/** Writes the files of a kind of firewall and loads them on a host. */
export async function openHostFirewall(host: Host, name: keyof typeof KINDS): Promise<HostFirewall> {
  const kind: Kind = KINDS[name];
  const root = mkdtempSync(join(tmpdir(), "knockline-host-"));
  for (const [file, text] of Object.entries(kind.files)) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text, { mode: 0o640 });
  }
  const must = async ([command = "", ...args]: readonly string[], input?: string): Promise<string> => {
    const words = args.map((word) => word.replace(ROOT, root));
    const ran = await host.run(command, words, input === undefined ? {} : { input });
    if (ran.code !== 0) throw new Error(`${command} ${args.join(" ")}: ${ran.stderr}`);
    return ran.stdout;
  };
  const firewall: HostFirewall = {
    root,
    async restore() {
      for (const [file, command] of Object.entries(kind.restore))
        await must(command, readFileSync(join(root, file), "utf8"));
    },
    async running() {
      const texts = [];
      for (const command of kind.running) texts.push(await must(command));
      return texts
        .join("")
        .replace(/^#.*\n/gm, "")
        .replace(/\[\d+:\d+\]/g, "");
    },
    saved() {
      const names = readdirSync(root, { recursive: true, encoding: "utf8" }).sort();
      const files = names.filter((file) => statSync(join(root, file)).isFile());
      return Object.fromEntries(files.map((file) => [file, readFileSync(join(root, file), "utf8")]));
    },
    plant: async (what) => void (await must(kind.plant[what])),
    pull: async () => void (await must(kind.pull)),
    close: () => rmSync(root, { recursive: true, force: true }),
  };
  await firewall.restore();
  return firewall;
}
