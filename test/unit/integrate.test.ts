import { describe, expect, it } from "vitest";
import type { Edit } from "../../src/knockctl/integrate/place.ts";
import { type HostFirewall, type Survey, survey } from "../../src/knockctl/integrate/survey.ts";

/** What is decided about a host's own firewall, from its texts alone. */

const MARK = 0x04000000;
const RULE = "-m mark --mark 0x4000000/0x4000000 -j ACCEPT";
const ESTABLISHED = "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT";

const host = (part: Partial<HostFirewall> = {}): HostFirewall => ({
  nft: "",
  iptables: [],
  files: [],
  ...part,
});
const dump = (text: string): HostFirewall => host({ iptables: [{ kind: "nft", family: 4, text }] });
const filter = (...rules: string[]): string =>
  `# comment\n*filter\n:INPUT DROP [0:0]\n:FORWARD ACCEPT [0:0]\n${rules.map((rule) => `-A INPUT ${rule}\n`).join("")}COMMIT\n`;
const file = (path: string, text: string | undefined): HostFirewall => host({ files: [{ path, text }] });
const look = (seen: HostFirewall): Survey => survey(seen, MARK);
const states = (seen: HostFirewall): string[] => look(seen).places.map(({ state }) => state);
const commands = (edits: readonly Edit[] = []): string[] =>
  edits.map((edit) => (edit.do === "run" ? edit.command.join(" ") : `write ${edit.path}`));
/** @returns the text a file gets, and what it is when our rule is taken out of that again */
function thereAndBack(path: string, text: string): { written: string; back: string } {
  const written = textOf(look(file(path, text)).places[0]?.add);
  return { written, back: textOf(look(file(path, written)).places[0]?.remove) };
}
function textOf(edits: readonly Edit[] = []): string {
  const [edit] = edits;
  if (edit?.do !== "write") throw new Error("nothing is written");
  return edit.text ?? "(removed)";
}

describe("a running iptables", () => {
  it("gets the rule first, before its own for established connections", () => {
    const [place] = look(dump(filter("-i lo -j ACCEPT", ESTABLISHED))).places;
    expect(place).toMatchObject({ state: "missing", saved: false });
    expect(commands(place?.add)).toEqual([`iptables-nft -w -I INPUT 1 ${RULE}`]);
  });

  it("is right with the rule in whatever spelling, also with a comment", () => {
    for (const rule of [
      RULE,
      '-m mark --mark 0x04000000/0x04000000 -m comment --comment "knock\'s own" -j ACCEPT',
    ])
      expect(states(dump(filter(rule, ESTABLISHED))), rule).toEqual(["right"]);
  });

  it("is not right with the rule doubled, too late, or with another verdict or condition", () => {
    expect(states(dump(filter(RULE, ESTABLISHED, RULE)))).toEqual(["doubled"]);
    expect(states(dump(filter(ESTABLISHED, RULE)))).toEqual(["late"]);
    expect(states(dump(filter(`-p tcp ${RULE}`, ESTABLISHED)))).toEqual(["missing"]);
    expect(states(dump(filter(RULE.replace("ACCEPT", "DROP"))))).toEqual(["missing"]);
  });

  it("is left alone where nothing is closed, and where only fail2ban is", () => {
    const open = filter("-p tcp -j f2b-sshd", "-j f2b-all", "-j ACCEPT").replace(
      "INPUT DROP",
      "INPUT ACCEPT",
    );
    expect(look(dump(open)).places).toEqual([]);
  });

  it("gets the rule where a last rule or a chain of its own closes", () => {
    for (const last of ["-j REJECT --reject-with icmp-port-unreachable", "-j fpbxfirewall"])
      expect(states(dump(filter(last).replace("INPUT DROP", "INPUT ACCEPT"))), last).toEqual(["missing"]);
  });

  it("gets it in ufw's own chain for the admin, not in INPUT", () => {
    const text = filter("-j ufw-before-input").replace(":FORWARD", ":ufw-before-input - [0:0]\n:FORWARD");
    expect(commands(look(dump(text)).places[0]?.add)).toEqual([
      `iptables-nft -w -I ufw-before-input 1 ${RULE}`,
    ]);
  });

  it("is told that it comes back from no file", () => {
    expect(look(dump(filter(ESTABLISHED))).notes.join()).toContain("iptables-persistent");
  });
});

describe("a bit that is in use", () => {
  const conflicts = (rule: string): number => look(dump(filter(rule))).conflicts.length;
  it.each([
    "-m mark --mark 0x4000000 -j DROP",
    "-m mark --mark 0x1000000/0xff000000 -j ACCEPT",
    "-j MARK --set-xmark 0x4000000/0x4000000",
    "-j MARK --set-xmark 0x0/0x4000000",
    "-j CONNMARK --restore-mark --nfmask 0xff000000 --ctmask 0xff000000",
    "-m connmark --mark 0x4000000/0x4000000 -j ACCEPT",
  ])("is found in %s", (rule) => expect(conflicts(rule)).toBe(1));

  it.each([
    RULE,
    "-m mark --mark 0x1 -j DROP",
    "-m mark --mark 0x8000/0x8000 -j DROP",
    "-j MARK --set-xmark 0x4000/0xffffffff",
    "-j CONNMARK --save-mark --nfmask 0xffffffff --ctmask 0xffffffff",
  ])("is not seen in %s", (rule) => expect(conflicts(rule)).toBe(0));

  const nftRule = (...expr: unknown[]): HostFirewall =>
    host({
      nft: JSON.stringify({
        nftables: [{ rule: { family: "inet", table: "t", chain: "c", handle: 7, expr } }],
      }),
    });
  const mark = { meta: { key: "mark" } };
  const match = (left: unknown, right: unknown, op = "=="): unknown => ({ match: { op, left, right } });

  it("is found in rules of nft, which are named by their handle", () => {
    for (const expr of [
      match(mark, MARK),
      match({ "&": [{ ct: { key: "mark" } }, 0xff000000] }, 0x01000000),
      match(mark, { prefix: { addr: 0x10000000, len: 8 } }),
      { mangle: { key: mark, value: { "|": [mark, MARK] } } },
      { mangle: { key: mark, value: { "&": [mark, 0xfbffffff] } } },
    ])
      expect(look(nftRule(expr, { drop: null })).conflicts, JSON.stringify(expr)).toEqual([
        "nft inet t c: the rule with handle 7",
      ]);
  });

  it("is not seen in rules of nft that mind other bits", () => {
    for (const expr of [
      match(mark, 1),
      match({ "&": [mark, 0xff] }, 1),
      { mangle: { key: mark, value: { ct: { key: "mark" } } } },
      { mangle: { key: mark, value: { "|": [{ "&": [mark, 0xffffff00] }, 1] } } },
    ])
      expect(look(nftRule(expr, { accept: null })).conflicts, JSON.stringify(expr)).toEqual([]);
  });
});

describe("a saved file", () => {
  it("of iptables gets the rule in one line, and is as before without it", () => {
    const text = filter("-i lo -j ACCEPT", ESTABLISHED);
    const { written, back } = thereAndBack("/etc/iptables/rules.v4", text);
    expect(written).toBe(text.replace("-A INPUT -i lo", `-A INPUT ${RULE}\n-A INPUT -i lo`));
    expect(back).toBe(text);
    expect(states(file("/etc/iptables/rules.v4", written))).toEqual(["right"]);
  });

  it("of iptables without a rule or a line's end at the end works too", () => {
    const text = filter().trimEnd();
    const { written, back } = thereAndBack("/etc/sysconfig/ip6tables", text);
    expect(written).toBe(text.replace("COMMIT", `-A INPUT ${RULE}\nCOMMIT`));
    expect(back).toBe(text);
  });

  it("of nft gets the rule first in its input chain, as deep as its neighbours, and is as before without it", () => {
    const text = [
      "flush ruleset",
      "table inet filter {",
      "    set friends { type ipv4_addr; elements = { 192.0.2.1, # input { }",
      "    } }",
      "    chain input { # the door",
      "        type filter hook input priority 0; policy drop;",
      '        comment "a { brace"',
      "        # first",
      "        ct state { established, related } accept",
      "    }",
      "}",
    ].join("\n");
    const { written, back } = thereAndBack("/etc/nftables.conf", text);
    expect(written.split("\n")[8]).toBe("        meta mark & 0x04000000 == 0x04000000 accept");
    expect(back).toBe(text);
    const late = written.replace(/(.*0x04000000 accept)\n(.*established.*)/, "$2\n$1");
    expect(states(file("/etc/nftables.conf", late))).toEqual(["late"]);
  });

  it("of nft that closes nothing is left alone", () => {
    const open =
      "table inet filter {\n\tchain input {\n\t\ttype filter hook input priority filter;\n\t}\n}\n";
    expect(look(file("/etc/nftables.conf", open))).toMatchObject({ places: [], notes: [] });
  });

  it("of nft in `add` commands gets one right behind its chain, and is as before without it", () => {
    const chain = "add chain inet f i { type filter hook input priority 0; policy drop; }\n";
    const text = `add table inet f\n${chain}add rule inet f i ct state established accept\n`;
    const { written, back } = thereAndBack("/etc/nftables.conf", text);
    expect(written.split("\n")[2]).toBe("add rule inet f i meta mark & 0x04000000 == 0x04000000 accept");
    expect(back).toBe(text);
    expect(states(file("/etc/nftables.conf", written))).toEqual(["right"]);
    const late = written.replace(/(.*0x04000000 accept)\n(.*established.*)/, "$2\n$1");
    expect(states(file("/etc/nftables.conf", late))).toEqual(["late"]);
  });

  it("of nft that only a person can change is named by its line, and known once he has", () => {
    const odd = (rule: string) =>
      `table inet f {\n chain i { type filter hook input priority 0; policy drop; ${rule}ct state established accept; }\n}\n`;
    const place = (rule: string) => look(file("/etc/nftables.conf", odd(rule))).places;
    const byHand = "meta mark & 0x04000000 == 0x04000000 accept";
    expect(place("")).toMatchObject([
      { where: "/etc/nftables.conf, line 2", state: "missing", add: [], byHand },
    ]);
    expect(place(`${byHand}; `)).toMatchObject([{ state: "right", remove: [] }]);
  });

  it("of ufw is written only where ufw is in use", () => {
    const before = "*filter\n:ufw-before-input - [0:0]\n# lo\n-A ufw-before-input -i lo -j ACCEPT\nCOMMIT\n";
    const path = "/etc/ufw/before.rules";
    const conf = (text: string) => ({ path: "/etc/ufw/ufw.conf", text });
    const files = [{ path, text: before }, conf("ENABLED=no\n")];
    expect(look(host({ files })).places).toEqual([]);
    const [place] = look(host({ files: [{ path, text: before }, conf("ENABLED=yes\n")] })).places;
    expect(textOf(place?.add)).toBe(
      before.replace("-A ufw-before-input -i", `-A ufw-before-input ${RULE}\n-A ufw-before-input -i`),
    );
  });

  it("of FreePBX's firewall gets a line of arguments, and goes when it held nothing else", () => {
    const running = filter("-j fpbxfirewall").replace(":FORWARD", ":fpbxfirewall - [0:0]\n:FORWARD");
    const seen = (text: string | undefined): HostFirewall => ({
      ...dump(running),
      files: [{ path: "/etc/firewall-4.rules", text }],
    });
    const saved = (text: string | undefined) => look(seen(text)).places.find((place) => place.saved);
    const written = textOf(saved(undefined)?.add);
    expect(written).toBe(`-I INPUT 1 ${RULE}\n`);
    expect(saved(written)?.state).toBe("right");
    expect(textOf(saved(written)?.remove)).toBe("(removed)");
    expect(textOf(saved(`-A INPUT -s 192.0.2.1 -j DROP\n${written}`)?.remove)).toBe(
      "-A INPUT -s 192.0.2.1 -j DROP\n",
    );
    expect(look(seen(undefined)).notes.join()).toContain("Custom Firewall Rules");
  });
});

describe("a file of nft that includes others", () => {
  const RULE_OF_NFT = "meta mark & 0x04000000 == 0x04000000 accept";
  const chain = (rules: string) =>
    `table inet f {\n\tchain i {\n\t\ttype filter hook input priority 0; policy drop;\n${rules}\t}\n}\n`;
  const look2 = (files: Record<string, string>) => {
    const { places } = look(host({ files: Object.entries(files).map(([path, text]) => ({ path, text })) }));
    return places.map(({ where, state, add, remove }) => ({ where, state, add, remove }));
  };

  it("gets the rule in the file that has the chain, tried together with all the others", () => {
    const main = 'flush ruleset\ndefine OPEN = 80\ninclude "/etc/nftables.d/*.nft"\n';
    const inner = chain("\t\ttcp dport $OPEN accept\n");
    const files = {
      "/etc/nftables.conf": main,
      "/etc/nftables.d/10-input.nft": inner,
      "/etc/nftables.d/.hidden.nft": chain(""),
      "/etc/nftables.d/notes.txt": chain(""),
    };
    const [place, ...others] = look2(files);
    expect(others).toEqual([]);
    expect(place).toMatchObject({ where: "/etc/nftables.d/10-input.nft (inet f i)", state: "missing" });
    const text = inner.replace("\t\ttcp", `\t\t${RULE_OF_NFT}\n\t\ttcp`);
    const whole = `flush ruleset\ndefine OPEN = 80\n${text}\n`;
    expect(place?.add).toMatchObject([{ path: "/etc/nftables.d/10-input.nft", text, whole }]);
    const [after] = look2({ ...files, "/etc/nftables.d/10-input.nft": text });
    expect(after).toMatchObject({ state: "right", add: [], remove: [{ text: inner }] });
  });

  it("gets it in its own chain before the rules that the chain includes", () => {
    const main = chain('\t\tinclude "rules.inc"\n');
    const files = { "/etc/nftables.conf": main, "/etc/rules.inc": "ct state established accept\n" };
    const [place] = look2(files);
    const text = main.replace("\t\tinclude", `\t\t${RULE_OF_NFT}\n\t\tinclude`);
    expect(place?.add).toMatchObject([{ path: "/etc/nftables.conf", text }]);
    expect(look2({ ...files, "/etc/nftables.conf": text })).toMatchObject([{ state: "right" }]);
    const late = {
      "/etc/nftables.conf": main,
      "/etc/rules.inc": `ct state established accept\n${RULE_OF_NFT}`,
    };
    expect(look2(late)).toMatchObject([{ state: "late" }]);
  });

  it("ends, also where files include each other", () => {
    const text = 'include "/etc/nftables.conf"\n';
    expect(look2({ "/etc/nftables.conf": text })).toEqual([]);
  });
});

it("a chain of nft gets the rule where it drops, in the families that our table sees", () => {
  const chain = (family: string, policy: string) => ({
    chain: { family, table: "t", name: "c", handle: 1, type: "filter", hook: "input", prio: 0, policy },
  });
  const nftables = [chain("inet", "drop"), chain("ip6", "accept"), chain("bridge", "drop")];
  const { places } = look(host({ nft: JSON.stringify({ nftables }) }));
  expect(places.map(({ where }) => where)).toEqual(["nft inet t c"]);
  expect(commands(places[0]?.add)).toEqual([
    "nft insert rule inet t c meta mark & 0x04000000 == 0x04000000 accept",
  ]);
});

it("firewalld on iptables gets a direct rule of each family, and its file is as before without them", () => {
  const running = filter("-j INPUT_direct", "-j REJECT").replace(
    ":FORWARD",
    ":INPUT_direct - [0:0]\n:FORWARD",
  );
  const path = "/etc/firewalld/direct.xml";
  const saved = (text: string | undefined) =>
    look({ ...dump(running), files: [{ path, text }] }).places.find((place) => place.saved);
  const fresh = textOf(saved(undefined)?.add);
  expect(fresh).toContain(`<rule ipv="ipv6" table="filter" chain="INPUT" priority="0">${RULE}</rule>`);
  expect(saved(fresh)?.state).toBe("right");
  expect(textOf(saved(fresh)?.remove)).toBe("(removed)");
  const old = '<?xml version="1.0"?>\n<direct>\n  <chain ipv="ipv4" table="raw" chain="x"/>\n</direct>\n';
  expect(textOf(saved(textOf(saved(old)?.add))?.remove)).toBe(old);
});

it("firewalld on nftables is told what to do instead", () => {
  const nft = JSON.stringify({
    nftables: [{ chain: { family: "inet", table: "firewalld", name: "filter_INPUT", hook: "input" } }],
  });
  expect(look(host({ nft }))).toMatchObject({ places: [], hopeless: expect.stringContaining("firewalld") });
});
