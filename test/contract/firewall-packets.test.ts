import { afterEach, beforeEach, expect } from "vitest";
import { milliseconds, seconds } from "../../src/shared/duration.ts";
import { openNft } from "../../src/shared/firewall/adapters/nft.ts";
import type { Change, Firewall, TablePlan } from "../../src/shared/firewall/firewall.ts";
import type { Policy } from "../../src/shared/firewall/policy.ts";
import { HOST_PREFIXES, type Prefix } from "../../src/shared/network.ts";
import { type Host, type Lab, openLab, type Running } from "../helpers/lab.ts";
import { needs } from "../helpers/needs.ts";
import { policy as samplePolicy } from "../helpers/policy.ts";
import { always, until } from "../helpers/wait.ts";
import { nftIn } from "./firewall-netns.ts";

/** What the generated rules do to packets, between hosts on a cable. */

const policy: Policy = {
  ...samplePolicy,
  public: [{ proto: "tcp", from: 80, to: 80 }],
  trustedInterfaces: [],
};
const PREFIXES: readonly Prefix[] = [
  ...HOST_PREFIXES,
  { family: 4, length: 0 },
  { family: 4, length: 25 },
  { family: 6, length: 61 },
];
const plan: TablePlan = { owner: "/lab", current: policy, knockUdp: [], knockTcp: [], prefixes: PREFIXES };
const withPolicy = (change: Partial<Policy>): TablePlan => ({ ...plan, current: { ...policy, ...change } });

const put = (set: string, key: string, ttl = seconds(60)): Change => ({ op: "put", set, key, ttl });
const drop = (set: string, key: string): Change => ({ op: "drop", set, key });

/** Binds UDP ports of both families and never answers, as knockd does. Says what it hears on stdout. */
async function listenSilently(host: Host, ports: readonly number[]): Promise<Running> {
  const program = `for (const port of [${ports}]) for (const type of ["udp4", "udp6"])
    require("dgram").createSocket({ type, ipv6Only: type === "udp6" })
    .on("message", (text) => console.log(String(text))).bind(port, () => console.log("bound"));`;
  const running = host.start(process.execPath, ["-e", program]);
  await until(() => running.output().match(/bound/g)?.length === 2 * ports.length, {
    what: "the ports bound",
  });
  return running;
}

/** Lets a host send on what is not for it. */
const forwards = async (host: Host): Promise<void> => {
  for (const path of ["ipv4/ip_forward", "ipv6/conf/all/forwarding"])
    expect((await host.run("sh", ["-c", `echo 1 > /proc/sys/net/${path}`])).code).toBe(0);
};

/** Loads rules of the host's own. */
const loads = async (host: Host, input: string): Promise<void> => {
  const { code, stderr } = await host.run("nft", ["-f", "-"], { input });
  expect(code, stderr).toBe(0);
};

const { describe, test } = needs("root", "namespaces", "nft", "nsenter", "ip");

/** How the end that is reset may see it: by what it wrote, by what it read, or by neither. */
const RESET = ["ECONNRESET", "EPIPE", "closed"];

describe("a packet", () => {
  let lab: Lab;
  let server: Host;
  let laptop: Host;
  let stranger: Host;
  let firewall: Firewall;

  beforeEach(async () => {
    lab = await openLab();
    server = lab.server;
    laptop = await lab.host("laptop");
    stranger = await lab.host("stranger");
    for (const port of [22, 80, 8080]) await server.agent.listen({ port });
    for (const family of [4, 6] as const) await server.agent.listen({ port: 5060, proto: "udp", family });
    firewall = openNft(nftIn(server.pid));
  });
  afterEach(async () => {
    await firewall?.close();
    await lab?.close();
  });

  const change = async (...changes: Change[]): Promise<void> =>
    expect(await firewall.change(changes)).toEqual({ ok: true });
  const install = async (one: TablePlan): Promise<void> =>
    expect(await firewall.install(one)).toEqual({ ok: true });
  const reach = async (host: Host, port: number, address = server.address): Promise<string> =>
    (await host.agent.connect({ address, port, timeout: 400 })).outcome;
  /** The same by IPv4 and IPv6. */
  const reachBoth = async (host: Host, port: number): Promise<string[]> => [
    await reach(host, port),
    await reach(host, port, server.address6),
  ];
  const ask = async (host: Host, localPort = 0, address = server.address): Promise<string | null> =>
    (await host.agent.ask({ address, port: 5060, localPort, timeout: 300 })).reply;
  const openSession = async (host: Host): Promise<number> => {
    const { session } = await host.agent.openSession({ address: server.address, port: 22 });
    expect(session).not.toBeNull();
    return session ?? 0;
  };
  /** Says something in a session. @returns "alive" when it is echoed, how it ended, or "silent" after half a second. */
  const talk = async (host: Host, session: number): Promise<string> => {
    const before = (await host.agent.sessionState({ session, say: "x" })).received;
    const answer = async (): Promise<string | false> => {
      const { received, ended } = await host.agent.sessionState({ session });
      return ended ?? (received > before && "alive");
    };
    return until(answer, { what: "an answer", deadline: 500, every: 5 }).catch(() => "silent");
  };

  test("of a stranger finds services closed and the rest open, with guard services", async () => {
    await install(plan);
    expect([await reach(stranger, 22), await reach(stranger, 80), await reach(stranger, 8080)]).toEqual([
      "silent",
      "open",
      "open",
    ]);
    expect(await reach(stranger, 8081)).toBe("refused");
    expect(await ask(stranger)).toBeNull();
    expect(await reach(stranger, 22, server.address6)).toBe("silent");
  });

  test("of a stranger finds all closed but the public ports, with guard everything", async () => {
    await install(withPolicy({ guard: "everything" }));
    const reached = await Promise.all([22, 80, 8080, 8081].map((port) => reach(stranger, port)));
    expect(reached).toEqual(["silent", "open", "silent", "silent"]);
    await laptop.agent.listen({ port: 443 });
    expect((await server.agent.connect({ address: laptop.address, port: 443 })).outcome).toBe("open");
  });

  test("finds nothing closed with guard nothing", async () => {
    await install(withPolicy({ guard: "nothing" }));
    expect([await reach(stranger, 22), await reach(stranger, 8080)]).toEqual(["open", "open"]);
    expect(await ask(stranger)).toBe("ping");
  });

  test.each(["services", "everything"] as const)(
    "of a granted source passes, with guard %s",
    async (guard) => {
      await install(withPolicy({ guard }));
      await change(put("ssh4", laptop.address), put("sip4", laptop.address), put("ssh6", laptop.address6));
      expect([await reach(laptop, 22), await ask(laptop), await reach(laptop, 22, server.address6)]).toEqual([
        "open",
        "ping",
        "open",
      ]);
      expect(await reach(stranger, 22)).toBe("silent");
      await change(drop("ssh6", laptop.address6), put("ssh6n", laptop.address6.replace(/1$/, "")));
      expect(await reach(laptop, 22, server.address6)).toBe("open");
      expect(await reach(stranger, 22, server.address6)).toBe("silent");
    },
  );

  test("of an allowlisted source passes, by address and by networks of any size", async () => {
    await install(plan);
    const forever = milliseconds(Infinity);
    const first6 = "2001:db8::"; // of the /61 that holds 2001:db8:0:2::/64 and 2001:db8:0:3::/64
    const lists: [Change[], number, string][] = [
      [
        [put("allow4_32", laptop.address, forever), put("allow6_128", laptop.address6, forever)],
        22,
        "silent",
      ],
      [[put("ssh4_32", laptop.address, forever), put("ssh6_128", laptop.address6, forever)], 22, "silent"],
      [[put("allow4_25", "198.51.100.0", forever), put("allow6_61", first6, forever)], 22, "open"],
      [[put("ssh4_0", "0.0.0.0", forever), put("ssh6_61", first6, forever)], 22, "open"],
      [[put("sip4_0", "0.0.0.0", forever)], 5060, "silent"],
    ];
    for (const [puts, port, forStranger] of lists) {
      await change(...puts);
      if (port === 5060) expect([await reach(laptop, 22), await ask(laptop)]).toEqual(["silent", "ping"]);
      else {
        expect([await reach(laptop, port), await reach(laptop, port, server.address6)]).toEqual([
          "open",
          "open",
        ]);
        expect(await reach(stranger, port)).toBe(forStranger);
        expect(await reach(stranger, port, server.address6)).toBe(forStranger);
      }
      await change(...puts.map(({ set, key }) => drop(set, key)));
      expect(await reach(laptop, 22)).toBe("silent");
    }
  });

  test("over UDP is out when the grant ends, whatever was kept alive, and whatever mark the host restores", async () => {
    await server.run("nft", ["-f", "-"], {
      input: `table inet host {
        chain save { type filter hook postrouting priority 0 ; ct mark set meta mark ; }
        chain restore { type filter hook prerouting priority -150 ; meta mark set ct mark ; }
      }\n`,
    });
    await install(plan);
    await change(put("sip4", laptop.address, milliseconds(1_500)), put("kept4", laptop.address));
    expect(await ask(laptop, 40_000)).toBe("ping");
    await until(async () => (await ask(laptop, 40_000)) === null, { what: "the grant's end", every: 50 });
    await always(async () => (await ask(laptop, 40_000)) === null, { what: "it stays closed" });
  });

  test("of a session goes on after the grant while it is kept, then the session is reset", async () => {
    await install(plan);
    await change(put("ssh4", laptop.address), put("kept4", laptop.address));
    const session = await openSession(laptop);
    await change(drop("ssh4", laptop.address));
    expect(await talk(laptop, session)).toBe("alive");
    expect(await reach(laptop, 22)).toBe("silent");
    await change(drop("kept4", laptop.address));
    expect(RESET).toContain(await talk(laptop, session));
  });

  test("of a session is cut at the grant's end with on_expiry cut", async () => {
    await install(withPolicy({ onExpiry: "cut" }));
    await change(put("ssh4", laptop.address), put("kept4", laptop.address));
    const session = await openSession(laptop);
    await change(drop("ssh4", laptop.address));
    expect(RESET).toContain(await talk(laptop, session));
  });

  test("of a session that we did not let in is not kept", async () => {
    await install(withPolicy({ guard: "nothing" }));
    const session = await openSession(laptop);
    await install(plan);
    await change(put("kept4", laptop.address));
    expect(RESET).toContain(await talk(laptop, session));
  });

  test("of a revoked source is cut though kept or adopted, and passes when granted again", async () => {
    await install(plan);
    await change(put("ssh4", laptop.address), put("kept4", laptop.address));
    const session = await openSession(laptop);
    await change(put("revoked4", laptop.address));
    expect(await talk(laptop, session)).toBe("alive");
    await change(drop("ssh4", laptop.address));
    expect(RESET).toContain(await talk(laptop, session));
    await change(put("ssh4", laptop.address));
    expect(await reach(laptop, 22)).toBe("open");
  });

  test("of an adopted session passes, also where conntrack had never seen it; a new connection does not", async () => {
    const localPort = 41_000;
    const session = await openSession(laptop);
    const socket = (await laptop.run("ss", ["-Htn", "state", "established"])).stdout;
    const port = /198\.51\.100\.\d+:(\d+)\s/.exec(socket)?.[1];
    await install(withPolicy({ guard: "nothing" }));
    await change(
      put("adopted4", `${laptop.address} . ${port} . 22`),
      put("adopted4", `${laptop.address} . ${localPort} . 22`),
    );
    await install(withPolicy({ guard: "everything", onExpiry: "cut" }));
    expect(await talk(laptop, session)).toBe("alive");
    const again = await laptop.run("nc", ["-p", `${localPort}`, "-w1", "-z", server.address, "22"]);
    expect(again.code).not.toBe(0);
    await change(put("revoked4", laptop.address));
    expect(RESET).toContain(await talk(laptop, session));
  });

  test("that answers the host's own passes only where the service says replies", async () => {
    await install(plan);
    await stranger.agent.listen({ port: 6000, proto: "udp" });
    const call = async (localPort: number): Promise<string | null> =>
      (await server.agent.ask({ address: stranger.address, port: 6000, localPort, timeout: 300 })).reply;
    expect(await call(10_000)).toBe("ping");
    const closed = withPolicy({
      services: [{ name: "rtp", ports: [{ proto: "udp", from: 10_000, to: 10_100 }], replies: false }],
    });
    await install(closed);
    expect(await call(10_002)).toBeNull();
  });

  test("meets the candidate while the trial lasts, and the kernel rolls back with no process alive", async () => {
    await install({ ...plan, candidate: { ...policy, guard: "everything" } });
    expect(await reach(stranger, 8080)).toBe("open");
    await change(put("trial", "ipv4", milliseconds(1_500)), put("trial", "ipv6", milliseconds(1_500)));
    await firewall.close();
    expect(await reach(stranger, 8080)).toBe("silent");
    expect(await reach(stranger, 80)).toBe("open");
    await until(async () => (await reach(stranger, 8080)) === "open", { what: "the roll-back" });
    expect(await reach(stranger, 22)).toBe("silent");
  });

  test("to a published port of a guest passes only for a granted source", async () => {
    const guest = await lab.host("guest");
    await guest.agent.listen({ port: 2222 });
    await forwards(server);
    await loads(
      server,
      `table ip host { chain nat { type nat hook prerouting priority -100 ;
        tcp dport { 22, 80 } dnat to ${guest.address}:2222 ; }
      }\n`,
    );
    expect(await reach(stranger, 22)).toBe("open");
    await install(withPolicy({ hooks: ["input", "forward"] }));
    await change(put("ssh4", laptop.address));
    expect([await reach(stranger, 22), await reach(laptop, 22)]).toEqual(["silent", "open"]);
  });

  describe("to a port that the host redirects", () => {
    beforeEach(async () => {
      // `redirect` takes the address of the interface that a packet comes by
      await server.ip(
        [laptop, stranger].map(({ uplink }) => `addr add ${server.address} dev ${uplink?.device}`),
      );
      for (const port of [2222, 8081]) await server.agent.listen({ port });
      for (const family of [4, 6] as const) await server.agent.listen({ port: 5070, proto: "udp", family });
      await loads(
        server,
        `table inet host { chain nat { type nat hook prerouting priority -100 ;
          tcp dport { 22, 5060 } redirect to :2222
          tcp dport 5061 redirect to :80
          tcp dport 80 redirect to :8081
          udp dport 5060 redirect to :5070 ; }
        }\n`,
      );
    });

    test.each(["services", "everything"] as const)(
      "is judged by the port that was dialled, with guard %s",
      async (guard) => {
        expect(await reachBoth(stranger, 22)).toEqual(["open", "open"]);
        await install(withPolicy({ guard }));
        expect(await reachBoth(stranger, 22), "a service's").toEqual(["silent", "silent"]);
        expect(await reachBoth(stranger, 5061), "a service's, sent to a public one").toEqual([
          "silent",
          "silent",
        ]);
        expect([await ask(stranger), await ask(stranger, 0, server.address6)]).toEqual([null, null]);
        expect(await reachBoth(stranger, 80), "a public one").toEqual(["open", "open"]);

        await change(...["ssh", "sip"].map((service) => put(`${service}4`, laptop.address)));
        await change(...["ssh", "sip"].map((service) => put(`${service}6`, laptop.address6)));
        expect(await reachBoth(laptop, 22)).toEqual(["open", "open"]);
        expect(await reachBoth(laptop, 5061)).toEqual(["open", "open"]);
        expect([await ask(laptop), await ask(laptop, 0, server.address6)]).toEqual(["ping", "ping"]);
        await change(drop("ssh4", laptop.address), drop("sip4", laptop.address));
        expect([await reach(laptop, 22), await ask(laptop)]).toEqual(["silent", null]);
      },
    );

    test.each(["services", "everything"] as const)(
      "goes on in a session that is kept, and is cut when revoked, with guard %s",
      async (guard) => {
        await install(withPolicy({ guard }));
        await change(put("ssh4", laptop.address), put("kept4", laptop.address));
        const [kept, revoked] = [await openSession(laptop), await openSession(laptop)];
        await change(drop("ssh4", laptop.address));
        expect([await talk(laptop, kept), await talk(laptop, revoked)]).toEqual(["alive", "alive"]);
        expect(await reach(laptop, 22)).toBe("silent");
        await change(put("revoked4", laptop.address));
        expect(RESET).toContain(await talk(laptop, revoked));
        await change(drop("revoked4", laptop.address), drop("kept4", laptop.address));
        expect(RESET).toContain(await talk(laptop, kept));
      },
    );

    test("is judged by the candidate while the trial lasts", async () => {
      await install({ ...withPolicy({ guard: "nothing" }), candidate: policy });
      expect(await reach(stranger, 22)).toBe("open");
      await change(put("trial", "ipv4"), put("trial", "ipv6"));
      expect(await reachBoth(stranger, 22)).toEqual(["silent", "silent"]);
    });
  });

  test("that knocks at everybody, by broadcast, multicast or anycast, is heard by nobody", async () => {
    await forwards(server); // a router also has its networks' anycast address
    await server.ip(["addr add 10.5.0.1/24 brd + dev to2", "addr add 2001:db8:0:99::1/64 dev to2 nodad"]);
    await laptop.ip(["addr add 10.5.0.2/24 brd + dev eth0"]);
    const heard = await listenSilently(server, [7001]);
    const everybody = ["10.5.0.255", "255.255.255.255", "224.0.0.1", "ff02::1%eth0", "2001:db8:0:99::"];
    const program = `const [, ...to] = process.argv;
      for (const type of ["udp4", "udp6"]) {
        const socket = require("dgram").createSocket(type);
        socket.bind(0, () => {
          if (type === "udp4") socket.setBroadcast(true), socket.setMulticastInterface("10.5.0.2");
          const mine = to.filter((address) => address.includes(":") === (type === "udp6"));
          let left = mine.length;
          for (const address of mine)
            socket.send("to " + address, 7001, address, (error) => {
              if (error) throw error;
              if (--left === 0) socket.close();
            });
        });
      }`;
    /** Sends one to each, the last ones to the server alone. @returns what was heard when those were */
    const knock = async (text: string): Promise<string[]> => {
      const before = heard.output().length;
      const one = [server.address, server.address6];
      const sent = await laptop.run(process.execPath, ["-e", program, ...everybody, ...one]);
      expect(sent.code, sent.stderr).toBe(0);
      const news = (): string[] => heard.output().slice(before).trim().split("\n");
      await until(() => one.every((address) => news().includes(`to ${address}`)), { what: text });
      return news().sort();
    };
    const all = [...everybody, server.address, server.address6].map((address) => `to ${address}`).sort();
    expect(await knock("heard without our table")).toEqual(all);
    await install({ ...plan, knockUdp: [7001] });
    expect(await knock("heard by the server's own address")).toEqual(
      [`to ${server.address}`, `to ${server.address6}`].sort(),
    );
  });

  test("that is too big for the way on is told so while knock ports are bound, by IPv4 and IPv6", async () => {
    await forwards(server);
    await server.ip([`link set ${laptop.uplink?.device} mtu 1300`]);
    await install({ ...plan, knockUdp: [7001] });
    for (const address of [laptop.address, laptop.address6]) {
      await stranger.agent.send({ address, ports: [7001], payload: "x".repeat(1_400) });
      const learned = async (): Promise<boolean> =>
        (await stranger.run("ip", ["route", "get", address])).stdout.includes("mtu 1300");
      await until(learned, { what: `the path's MTU to ${address}` });
    }
  });

  test("that knocks by TCP is counted: by IPv4 and IPv6, and nothing else is", async () => {
    expect(await firewall.reported()).toBe(0);
    await install({ ...plan, knockTcp: [7101] });
    expect(await firewall.reported()).toBe(0);
    expect(await reachBoth(stranger, 7101)).toEqual(["refused", "refused"]);
    await reachBoth(stranger, 7102);
    expect(await firewall.reported()).toBe(2);
  });

  test("that knocks leaves nothing in conntrack", async () => {
    await install({ ...plan, knockUdp: [7001] });
    const heard = await listenSilently(server, [7001]);
    const tracked = async (): Promise<string> =>
      (await server.run("cat", ["/proc/sys/net/netfilter/nf_conntrack_count"])).stdout.trim();
    const before = await tracked();
    const knock = async (): Promise<boolean> => {
      await stranger.agent.send({ address: server.address, ports: [7001], payload: "knock" });
      return heard.output().includes("knock");
    };
    await until(knock, { what: "a knock heard", every: 200 });
    expect(await tracked()).toBe(before);
  });
});

/** Rejects as the iptables of Red Hat and hand-written nft do: not by port-unreachable, which we always dropped. */
const REJECTS = {
  "closes nothing": "",
  "rejects by admin-prohibited": `table inet host { chain input { type filter hook input priority 0 ;
    meta mark & 0x04000000 != 0 accept
    meta l4proto { icmp, ipv6-icmp } accept
    reject with icmpx admin-prohibited ; }
  }\n`,
  "rejects by host-prohibited": `table inet host { chain input { type filter hook input priority 0 ;
    meta mark & 0x04000000 != 0 accept
    meta l4proto { icmp, ipv6-icmp } accept
    meta nfproto ipv4 reject with icmp host-prohibited
    meta nfproto ipv6 reject with icmpv6 addr-unreachable ; }
  }\n`,
};

describe("a knock port beside its neighbours", () => {
  let lab: Lab;
  let stranger: Host;
  let firewall: Firewall;
  beforeEach(async () => {
    lab = await openLab();
    stranger = await lab.host("stranger");
    firewall = openNft(nftIn(lab.server.pid));
    await listenSilently(lab.server, [7001, 7013]);
    // the kernel's own limit of one such answer a second would hide what it would else tell
    for (const path of ["ipv4/icmp_ratelimit", "ipv6/icmp/ratelimit"])
      await lab.server.run("sh", ["-c", `echo 0 > /proc/sys/net/${path}`]);
  });
  afterEach(async () => {
    await firewall?.close();
    await lab?.close();
  });

  const GUARDS = ["nothing", "services", "everything"] as const;
  const HOSTS = Object.keys(REJECTS) as (keyof typeof REJECTS)[];
  const cases = GUARDS.flatMap((guard) => HOSTS.map((host) => ({ guard, host })));

  describe("nmap", () => {
    const { test } = needs("nmap");
    test.each(cases)(
      "cannot tell them, though the host answers pings, with guard $guard on a host that $host",
      async ({ guard, host }) => {
        await loads(lab.server, REJECTS[host]);
        await firewall.install({ ...withPolicy({ guard }), knockUdp: [7001, 7013] });
        const options = "-sU -n -Pn --reason -oG - -p 7000-7028,5060".split(" ");
        const scans = [[lab.server.address], ["-6", lab.server.address6]].map((to) =>
          stranger.run("nmap", [...options, ...to]),
        );
        for (const { stdout } of await Promise.all(scans))
          expect(stdout).toContain("Ignored State: open|filtered (30)"); // -oG lists only ports that differ
        const pinged = await stranger.run("nmap", ["-sn", "-PE", "-n", lab.server.address]);
        expect(pinged.stdout).toContain("Host is up");
      },
    );
  });

  describe("an extension header that the host must refuse", () => {
    const { test } = needs("perl");
    /** A datagram behind a destination option that nobody knows (RFC 8200, 4.2: to be answered parameter-problem). */
    const PROBE = `use Socket qw(:all); my ($to, $port) = @ARGV;
      socket(my $s, AF_INET6, SOCK_DGRAM, 0) or die "$!";
      setsockopt($s, 41, 59, pack("C*", 0, 0, 0x9e, 4, 0, 0, 0, 0)) or die "IPV6_DSTOPTS: $!";
      connect($s, pack_sockaddr_in6($port, inet_pton(AF_INET6, $to))) or die "$!";
      send($s, "x", 0) or die "$!";
      vec(my $in = "", fileno($s), 1) = 1;
      print select($in, undef, undef, 0.4) ? (recv($s, my $got, 9, 0) // "$!") : "silent";`;
    test.each(cases)("tells nothing, with guard $guard on a host that $host", async ({ guard, host }) => {
      await loads(lab.server, REJECTS[host]);
      await firewall.install({ ...withPolicy({ guard }), knockUdp: [7001, 7013] });
      const seen = async (port: number): Promise<string> =>
        (await stranger.run("perl", ["-e", PROBE, lab.server.address6, `${port}`])).stdout;
      expect([await seen(7001), await seen(7002)]).toEqual(["silent", "silent"]);
    });
  });

  test("leaves the host's answers about TCP as they are, by IPv4 and IPv6", async () => {
    await loads(
      lab.server,
      `${REJECTS["rejects by admin-prohibited"]}
      table inet seen { chain leaving { type filter hook postrouting priority 0 ;
        icmp type destination-unreachable icmp code admin-prohibited counter
        icmpv6 type destination-unreachable icmpv6 code admin-prohibited counter ; }
      }\n`,
    );
    await firewall.install({ ...plan, knockUdp: [7001, 7013] });
    for (const address of [lab.server.address, lab.server.address6])
      await stranger.agent.connect({ address, port: 8080, timeout: 300 });
    const { stdout } = await lab.server.run("nft", ["list", "table", "inet", "seen"]);
    expect(stdout.match(/packets [1-9]/g)).toHaveLength(2);
  });
});
