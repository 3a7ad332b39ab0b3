import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { readKnockdConf } from "../../src/knockctl/incrediblepbx/knockd-conf.ts";
import { newUsers } from "../../src/knockctl/incrediblepbx/new-users.ts";
import { type Choice, takeOver } from "../../src/knockctl/incrediblepbx/take-over.ts";
import { type FoundFile, readWhitelist } from "../../src/knockctl/incrediblepbx/whitelist.ts";
import { renderTakeOver } from "../../src/knockctl/render/take-over.ts";
import type { Service } from "../../src/shared/firewall/policy.ts";

const service = (name: string, ...ports: ["tcp" | "udp", number, number?][]): Service => ({
  name,
  ports: ports.map(([proto, from, to = from]) => ({ proto, from, to })),
  replies: false,
});
const SERVICES = [
  service("ssh", ["tcp", 22]),
  service("sip", ["udp", 5060], ["tcp", 5060, 5061]),
  service("rtp", ["udp", 10_000, 20_000]),
  service("iax", ["udp", 4569]),
];
const CHOICE: Choice = { services: SERVICES, only: undefined, wide: false };

/** All files of one made-up installation. */
function installation(name: "debian" | "rhel"): FoundFile[] {
  const root = fileURLToPath(new URL(`../fixtures/incrediblepbx/${name}`, import.meta.url));
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((one) => one.isFile())
    .map((one) => join(one.parentPath, one.name))
    .sort()
    .map((path) => ({ path: `/${relative(root, path)}`, text: readFileSync(path, "utf8") }));
}

const taken = (files: readonly FoundFile[], choice = CHOICE) =>
  takeOver(files, choice).entries.map(({ what, services, note }) => [what, services.join(), note]);

/** Every line left out of one file, with its reason. */
const left = (path: string, text: string) =>
  takeOver([{ path, text }], CHOICE).left.map(({ at, why }) => [at.line, why]);

describe("an installation on Debian", () => {
  test("gives whom it lets in, for the services that its rules have ports of, under the account's name", () => {
    expect(taken(installation("debian")).sort()).toEqual([
      ["192.168.0.0/16", "", null],
      ["203.0.113.128/25", "", null],
      ["203.0.113.70", "", "bob"],
      ["203.0.113.9", "", "the office, first floor"],
      ["ann.dyn.example.net", "sip,ssh", "ann"],
      ["sip1.trunk.example.com", "sip,iax", "trunk one"],
    ]);
  });

  test("says of every line what becomes of it, with the commands for those who knock", async () => {
    const files = installation("debian");
    const found = takeOver(files, CHOICE);
    const commands = newUsers(found.knockd?.sequences ?? [], ["ann", "bob"], SERVICES);
    expect(found.problems).toEqual([]);
    const text = renderTakeOver(found, commands, null, undefined);
    await expect(`${text}\n`).toMatchFileSnapshot("goldens/cli-import.txt");
  });

  test("gives all of them the services that the admin names", () => {
    const all = taken(installation("debian"), { ...CHOICE, only: ["sip", "rtp"] });
    expect(new Set(all.map(([, services]) => services))).toEqual(new Set(["sip,rtp"]));
    expect(all.map(([what]) => what)).toContain("203.0.113.12"); // its port belongs to no service
  });

  test("takes a very wide network only when it is meant", () => {
    expect(taken(installation("debian"), { ...CHOICE, wide: true })).toContainEqual(["10.0.0.0/8", "", null]);
  });
});

describe("an installation on RHEL", () => {
  test("is read from /etc/sysconfig, IPv4 and IPv6", () => {
    expect(taken(installation("rhel")).sort()).toEqual([
      ["192.0.2.17", "sip,rtp", null],
      ["2001:db8:5::/48", "", null],
      ["carol.dyn.example.org", "", "carol"],
    ]);
  });

  test("has a sequence that opens and none for the one that closes", () => {
    const { knockd } = takeOver(installation("rhel"), CHOICE);
    expect(knockd?.options.get("usesyslog")).toBe("");
    expect(knockd?.sequences).toMatchObject([
      {
        name: "openSSH",
        steps: [
          { proto: "udp", port: 7000 },
          { proto: "tcp", port: 8000 },
          { proto: "udp", port: 9000 },
        ],
        window: 5_000,
        opensFor: null,
        ports: [{ proto: "tcp", from: 22, to: 22 }],
      },
    ]);
    expect(newUsers(knockd?.sequences ?? [], undefined, SERVICES)).toEqual([
      "user add openssh --services ssh",
    ]);
  });
});

describe("a list of who is let in", () => {
  test.each([
    ["iptables -A INPUT -s 192.0.2.300 -j ACCEPT", /no address, network or name/],
    ["-A INPUT -s 192.0.2.1 -p tcp --dport ssh -j ACCEPT", /"ssh" is no port/],
    ["-A INPUT -s 192.0.2.1 -p udp --dport 70000 -j ACCEPT", /"70000" is no port/],
    ["what is this", /neither a rule of iptables nor an address or a name/],
  ])("names the line that it does not understand: %s", (line, why) => {
    const { problems, entries } = takeOver(
      [{ path: "/root/dave.iptables", text: `# dave\n${line}\n` }],
      CHOICE,
    );
    expect(entries).toEqual([]);
    expect(problems).toMatchObject([{ at: { path: "/root/dave.iptables", line: 2 } }]);
    expect(problems[0]?.why).toMatch(why);
  });

  test.each([
    ["-A INPUT -s 127.0.0.0/8 -j ACCEPT", /loopback: never let in/],
    ["-A INPUT -s 0.0.0.0/0 -j ACCEPT", /lets everybody in/],
    ["-A INPUT -s 192.0.2.1 -m mac --mac-source 00:11:22:33:44:55 -j ACCEPT", /condition .*--mac-source/],
    ["-A INPUT -s 192.0.2.1 -p icmp -j ACCEPT", /only icmp/],
    ["-A INPUT -p icmp -j ACCEPT", /ICMP is always let in/],
    ["-A INPUT -i tun0 -j ACCEPT", /trusted_interfaces/],
    ["-A INPUT -s 192.0.2.1 -j LOG", /does not let in \(LOG\)/],
  ])("leaves out, with the reason: %s", (line, why) => {
    const all = left("/etc/iptables/rules.v4", line);
    expect(all).toHaveLength(1);
    expect(all[0]?.[1]).toMatch(why);
  });

  test("follows an account's name, and not the address that it had", () => {
    const text = "ann.example.net\n198.51.100.44\n";
    expect(taken([{ path: "/root/ann.iptables", text }])).toEqual([["ann.example.net", "", "ann"]]);
    expect(left("/root/ann.iptables", text)).toEqual([
      [2, "what ann.example.net stood for at some time: the name itself is taken"],
    ]);
  });

  test("reads several addresses, netmasks and networks written with the bits of a host", () => {
    const text =
      "iptables -A INPUT -s 192.0.2.1,192.0.2.2 -j ACCEPT\niptables -A INPUT --src 198.51.100.9/24 -j ACCEPT\n";
    expect(taken([{ path: "/usr/local/sbin/iptables-custom", text }]).map(([what]) => what)).toEqual([
      "192.0.2.1",
      "192.0.2.2",
      "198.51.100.0/24",
    ]);
  });

  test("gives control characters of a comment to nobody", () => {
    const text = '-A INPUT -s 192.0.2.1 -m comment --comment "a\u001b[31mb" -j ACCEPT\n';
    expect(taken([{ path: "/etc/iptables/rules.v4", text }])).toEqual([["192.0.2.1", "", "a\\u001b[31mb"]]);
  });

  test("says nothing of other chains, other tables and other programs", () => {
    const text = "*nat\n-A INPUT -s 192.0.2.1 -j ACCEPT\n*filter\n-A FORWARD -s 192.0.2.1 -j ACCEPT\n";
    expect(readWhitelist({ path: "/etc/iptables/rules.v4", text })).toEqual({
      listed: [],
      left: [],
      problems: [],
    });
  });
});

describe("a knockd.conf", () => {
  const read = (text: string) => readKnockdConf({ path: "/etc/knockd.conf", text });

  test("names every line that is not knockd's", () => {
    const { problems } = read("logfile = x\n[door]\nsequence = 1,70000\nport = 22\nwhat\n");
    expect(problems.map(({ at, why }) => [at.line, why])).toEqual([
      [1, "before the first [section]"],
      [3, "sequence must be ports: 7001:udp,9003,8002:tcp"],
      [4, '"port" is no setting of knockd'],
      [5, '"what" is no setting of knockd'],
    ]);
  });

  test("has its own defaults for what is not said", () => {
    const { sequences } = read("[door]\nSequence = 7,8\nstart_command = /opt/door %IP%\nstop_command = x\n");
    expect(sequences).toMatchObject([{ window: 25_000, opensFor: 10_000, ports: null }]);
  });

  test("leaves one-time sequences to an authenticator", () => {
    expect(read("[door]\none_time_sequences = /etc/once\n").left[0]?.why).toMatch(/authenticator/);
  });

  test("gives each person a user of all that any sequence opens, for the longest time", () => {
    const { sequences } = read(
      "[a]\nsequence=7,8,9\nstart_command=iptables -A INPUT -s %IP% -p tcp --dport 22 -j ACCEPT\ncmd_timeout=60\nstop_command=x\n" +
        "[b]\nsequence=6,8,9\nstart_command=iptables -I INPUT -s %IP% -p udp --dport 4569 -j ACCEPT\ncmd_timeout=3600\nstop_command=x\n",
    );
    expect(newUsers(sequences, ["ann"], SERVICES)).toEqual(["user add ann --services ssh,iax --ttl 1h"]);
    expect(newUsers(sequences, undefined, SERVICES)).toEqual([
      "user add a --services ssh --ttl 1m",
      "user add b --services iax --ttl 1h",
    ]);
  });
});
