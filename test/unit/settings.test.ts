import fc from "fast-check";
import { parse } from "smol-toml";
import { describe, expect, test } from "vitest";
import { hours, seconds } from "../../src/shared/duration.ts";
import { decodeSettings } from "../../src/shared/settings/decode/settings.ts";
import { pathsFor } from "../../src/shared/settings/paths.ts";
import type { Settings } from "../../src/shared/settings/settings.ts";
import { settingsToml } from "../../src/shared/settings/template.ts";
import { runs } from "../helpers/runs.ts";

const FILE = "/srv/pbx/knockline.toml";

function settings(raw: unknown): Settings {
  const decoded = decodeSettings(raw, FILE);
  if (!decoded.ok) throw new Error(JSON.stringify(decoded.errors));
  return decoded.settings;
}

function problems(raw: unknown, file = FILE): string[] {
  const decoded = decodeSettings(raw, file);
  return decoded.ok
    ? []
    : decoded.errors.map(({ path, message }) => (path ? `${path}: ${message}` : message));
}

describe("defaults", () => {
  test("an empty file yields the defaults of the contract", () => {
    const { access, knock, policy, history } = settings({});
    expect(knock).toEqual({
      ports: { from: 2000, to: 32767 },
      window: seconds(30),
      decoys: 61,
      listen: ["0.0.0.0", "::"],
    });
    expect(access.ttl).toBe(hours(1));
    expect(access.maxTtl).toBe(hours(12));
    expect(policy).toMatchObject({ guard: "nothing", mode: "guard", mark: 0x04000000, onExpiry: "keep" });
    expect(policy.services.map(({ name }) => name)).toEqual(["ssh", "sip", "rtp", "iax", "web"]);
    expect(policy.services[1]?.ports).toEqual([
      { proto: "udp", from: 5060, to: 5060 },
      { proto: "tcp", from: 5060, to: 5061 },
    ]);
    expect(policy.services.filter(({ replies }) => replies).map(({ name }) => name)).toEqual(["rtp"]);
    expect(history.keep).toBe(hours(90 * 24));
  });

  test("a file with services of its own gets only those", () => {
    const { policy } = settings({ services: { vpn: { ports: ["udp/51820"] } } });
    expect(policy.services).toEqual([
      { name: "vpn", ports: [{ proto: "udp", from: 51820, to: 51820 }], replies: false },
    ]);
  });

  test("the file that init writes says nothing but the defaults, and every one of them", () => {
    const written = parse(settingsToml("pbx.example.com-k3v9x2qa"));
    const name = { server: { name: "pbx.example.com-k3v9x2qa" } };
    expect(settings(written)).toEqual(settings(name));
    for (const section of ["knock", "access", "firewall", "phone", "history", "log"]) {
      expect(Object.keys(written[section] as object).length, section).toBeGreaterThan(0);
    }
  });
});

describe("problems are named with their path and what to write instead", () => {
  test.each([
    [{ acess: { ttl: "1h" } }, "unknown key `acess.ttl`: did you mean `access.ttl`?"],
    [{ access: { tll: "1h" } }, "unknown key `access.tll`: did you mean `access.ttl`?"],
    [
      { servces: { ssh: { ports: ["tcp/22"] } } },
      "unknown key `servces.ssh.ports`: did you mean `services.ssh.ports`?",
    ],
    [
      { services: { ssh: { ports: ["tcp/22"], replys: true } } },
      "unknown key `services.ssh.replys`: did you mean `services.ssh.replies`?",
    ],
    [{ frobnicate: 1 }, "unknown key `frobnicate`"],
    [{ access: { ttl: "soon" } }, "access.ttl: must be a duration such as 90s, 15m, 2h, 1d"],
    [{ access: { ttl: 60 } }, "access.ttl: must be a text in quotes"],
    [{ access: { ttl: "13h" } }, "access.ttl: must not be longer than access.max_ttl"],
    [{ access: { ipv6_prefix: 56 } }, "access.ipv6_prefix: must be 128 or 64"],
    [{ access: 7 }, "access: must be a table"],
    [{ firewall: { mark: "0x06000000" } }, 'firewall.mark: must be one bit in hex, such as "0x04000000"'],
    [{ firewall: { guard: "all" } }, 'firewall.guard: must be "nothing" or "services" or "everything"'],
    [
      { firewall: { trusted_interfaces: ['"; drop'] } },
      /^firewall.trusted_interfaces\[0\]: must be an interface/,
    ],
    [{ knock: { listen: ["fe80::1%eth0"] } }, "knock.listen[0]: must be an IPv4 or IPv6 address"],
    [{ knock: { ports: "32767-2000" } }, 'knock.ports: must be two ports, such as "2000-32767"'],
    [{ knock: { ports: "2000-2100" } }, "knock.ports: must hold at least 500 ports"],
    [{ knock: { decoys: 1.5 } }, "knock.decoys: must be a whole number"],
    [{ services: { ssh: { ports: [] } } }, "services.ssh.ports: must not be empty"],
    [{ services: { ssh: { ports: ["tcp/0"] } } }, /^services.ssh.ports\[0\]: must be "tcp\/22"/],
    [{ services: { ssh: { ports: ["tcp/22-65536"] } } }, /^services.ssh.ports\[0\]: must be/],
    [{ services: { ssh2: { ports: ["tcp/22"] } } }, /^services.ssh2: a service's name is/],
    [{ services: { ssh4_: { ports: ["tcp/22"] } } }, /^services.ssh4_: .* begins and ends with a letter/],
    [{ services: { a_: { ports: ["tcp/22"] } } }, /^services.a_: a service's name is/],
    [{ services: { live: { ports: ["tcp/22"] } } }, /^services.live: this name is one of knockline's own/],
    [
      { services: { a: { ports: ["tcp/80-90"] }, b: { ports: ["tcp/85"] } } },
      "services.b.ports: tcp/85 overlaps tcp/80-90 of services.a.ports",
    ],
    [{ server: { name: "two words" } }, /^server.name: must be 1 to 64 letters/],
    [{ server: { name: "-x" } }, /^server.name: must be/],
    [{ server: { name: "x".repeat(65) } }, /^server.name: must be/],
    [{ phone: { extension: "_8X" } }, /^phone.extension: must be 1 to 32 digits/],
    [{ phone: { extension: "864'" } }, /^phone.extension: must be/],
    [{ phone: { extension: "8".repeat(33) } }, /^phone.extension: must be/],
    [[], "must be a table"],
  ])("%j", (raw, message) => {
    const found = problems(raw);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(message instanceof RegExp ? message : new RegExp(`^${escaped(message)}$`));
  });

  test("the same port of another protocol is no overlap", () => {
    expect(problems({ services: { a: { ports: ["tcp/80"] }, b: { ports: ["udp/80"] } } })).toEqual([]);
  });

  test("several problems are told at once", () => {
    expect(problems({ access: { ttl: "x" }, log: { level: "loud" }, knok: { window: "1s" } })).toHaveLength(
      3,
    );
  });

  test("a socket path longer than 107 bytes says so", () => {
    const [problem] = problems({}, `/srv/${"deep/".repeat(20)}knockline.toml`);
    expect(problem).toMatch(/^paths.run: .* 1\d\d bytes long, and a unix socket takes 107/);
  });

  test("no value whatever makes the decoder throw", () => {
    const keys = fc.constantFrom(
      "access",
      "services",
      "ttl",
      "ports",
      "knock",
      "__proto__",
      "paths",
      "state",
      "ssh",
    );
    const json = fc.oneof(
      fc.jsonValue(),
      fc.dictionary(keys, fc.oneof(fc.jsonValue(), fc.dictionary(keys, fc.jsonValue()))),
    );
    fc.assert(
      fc.property(json, (raw) => typeof decodeSettings(raw, FILE).ok === "boolean"),
      {
        numRuns: runs(1_000, 50),
      },
    );
  });

  test("no service name that nft would misread is accepted", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (name) => {
        const raw = JSON.parse(`{"services":{${JSON.stringify(name)}:{"ports":["tcp/22"]}}}`);
        const decoded = decodeSettings(raw, FILE);
        return (
          !decoded.ok || decoded.settings.policy.services.every((one) => /^[a-z][a-z0-9_]*$/.test(one.name))
        );
      }),
    );
  });
});

describe("paths", () => {
  test("the installed instance follows the file system hierarchy", () => {
    expect(pathsFor("/etc/knockline/knockline.toml", undefined)).toMatchObject({
      state: "/var/lib/knockline",
      db: "/var/lib/knockline/db",
      boot: "/var/lib/knockline/boot.nft",
      adminSocket: "/run/knockline/admin.sock",
      secret: "/etc/knockline/secret",
      ariSecret: "/etc/knockline/ari.secret",
    });
  });

  test("any other instance lives in its settings file's folder", () => {
    expect(pathsFor(FILE, undefined)).toMatchObject({
      state: "/srv/pbx",
      db: "/srv/pbx/db",
      adminSocket: "/srv/pbx/admin.sock",
      secret: "/srv/pbx/secret",
    });
  });

  test("recordings are where they came with the programs, or where the package puts them, unless the file says", () => {
    expect(pathsFor(FILE, undefined, "/opt/knockline/sounds").sounds).toBe("/opt/knockline/sounds");
    expect(pathsFor(FILE, undefined).sounds).toBe("/usr/share/knockline/sounds");
    expect(pathsFor(FILE, { sounds: "voices" }, "/opt/knockline/sounds").sounds).toBe("/srv/pbx/voices");
  });

  test("relative paths count from the settings file's folder", () => {
    const paths = pathsFor(FILE, { state: "state/", run: "../run", secret: "/root/key" });
    expect(paths).toMatchObject({
      state: "/srv/pbx/state",
      adminSocket: "/srv/run/admin.sock",
      secret: "/root/key",
    });
  });
});

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
