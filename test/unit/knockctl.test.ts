import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { lock } from "../../src/knockctl/backup/envelope.ts";
import { GROUPS, TOPICS } from "../../src/knockctl/catalogue/all.ts";
import { interpret, type Meaning } from "../../src/knockctl/cli.ts";
import { sinceOf } from "../../src/knockctl/commands/values.ts";
import { Failure, told } from "../../src/knockctl/failure.ts";
import { VERSION } from "../../src/knockctl/version.ts";
import type { BackupFiles, Foundation, World } from "../../src/knockctl/world.ts";
import { FirewallError } from "../../src/shared/firewall/firewall.ts";
import { refusal } from "../../src/shared/gate/refusal.ts";
import { type Asker, Refusal } from "../../src/shared/gate/verbs.ts";
import type { EventView, PendingRequestView, ShownOnce, UserView } from "../../src/shared/gate/views.ts";
import { decodeSettings } from "../../src/shared/settings/decode/settings.ts";
import { nearest } from "../../src/shared/settings/nearest.ts";
import { SettingsError } from "../../src/shared/settings/problem.ts";
import type { Paths, Settings } from "../../src/shared/settings/settings.ts";
import { GRANT, USER } from "../helpers/views.ts";

const NOW = Date.parse("2026-08-01T12:00:00Z");

const EVENT: EventView = {
  at: "2026-08-01T12:00:00Z",
  event: "denied",
  user: null,
  address: "203.0.113.7",
  by: null,
  reason: "wrong order",
};

/** Answers every question the same way, and remembers what was asked. */
class OneAnswer implements Asker {
  readonly asked: [string, unknown][] = [];
  constructor(private readonly answers: Record<string, unknown>) {}

  async ask(verb: string, args: unknown): Promise<never> {
    this.asked.push([verb, args]);
    if (verb in this.answers) return this.answers[verb] as never;
    throw new Refusal("not_found", `no ${verb}`, "look elsewhere");
  }

  async *watch(args: unknown): AsyncGenerator<EventView> {
    this.asked.push(["watch", args]);
    yield EVENT;
  }

  async close(): Promise<void> {}
}

const understood = (...argv: string[]): Meaning =>
  interpret(argv, { topics: TOPICS, groups: GROUPS, version: "1.2.3" });

interface Played {
  readonly exit: number;
  readonly out: string;
  readonly err: string;
  readonly asked: [string, unknown][];
}

/** Runs a command line against a world where nothing is real. */
async function play(
  argv: string[],
  answers: Record<string, unknown> = {},
  touches: Partial<World> = {},
): Promise<Played> {
  const asker = new OneAnswer(answers);
  const out: string[] = [];
  const err: string[] = [];
  const world = {
    self: "knockctl",
    config: "/srv/knockline.toml",
    terminal: undefined,
    zone: "UTC",
    now: () => NOW,
    say: (text: string) => out.push(text),
    tell: (text: string) => err.push(text),
    asker: async () => asker,
    settings: async () => {
      throw new Error("this test has no settings");
    },
    sshPeer: async () => undefined,
    sshSessions: async () => ({ ports: [22], peers: ["192.0.2.1"] }),
    listening: async () => [{ proto: "tcp", port: 22, process: "sshd" }],
    ...touches,
  } as World;
  const meaning = understood(...argv);
  if (meaning.kind !== "run") throw new Error(JSON.stringify(meaning));
  const exit = await meaning.command
    .load()
    .then((run) => run(meaning.call, world))
    .catch((error: unknown) => {
      const { exit: code, what, cure } = told(error);
      err.push(what, cure);
      return code;
    });
  return { exit, out: out.join("\n"), err: err.join("\n"), asked: asker.asked };
}

describe("the command line", () => {
  test.each([
    [["--config", "/x", "list"], "/x"],
    [["list", "--config", "/x"], "/x"],
    [["-c", "/x", "user", "list"], "/x"],
    [["user", "list", "-c", "/x"], "/x"],
    [["list"], undefined],
  ])("%j takes --config from either side of the command", (argv, config) => {
    expect(understood(...argv)).toMatchObject({ kind: "run", config });
  });

  test.each([
    [["lst"], "unknown command 'lst' (Did you mean list?)", "see: knockctl --help"],
    [["user", "ad"], "unknown command 'ad' (Did you mean add?)", "see: knockctl user --help"],
    [["list", "--watc"], "unknown option '--watc' (Did you mean --watch?)", "see: knockctl list --help"],
    [["grant"], "missing required argument 'address'", "see: knockctl grant --help"],
    [["user"], "user: which one?", "see: knockctl user --help"],
    [["list", "extra"], /^too many arguments/, "see: knockctl list --help"],
    [
      ["user", "client", "a", "--format", "exe"],
      /^option '--format <kind>' argument 'exe' is invalid/,
      "see: knockctl user client --help",
    ],
  ])("%j is not understood, and told in one line", (argv, what, cure) => {
    const meaning = understood(...argv);
    expect(meaning).toEqual({
      kind: "misused",
      what: what instanceof RegExp ? expect.stringMatching(what) : what,
      cure,
    });
  });

  test("help is found by either way", () => {
    expect(understood("help", "user", "add")).toEqual(understood("user", "add", "--help"));
    expect(understood("help")).toEqual(understood());
    expect(understood("--version")).toEqual({ kind: "answer", text: "1.2.3" });
  });

  test.each([
    [["help", "bogus"], "unknown command 'bogus'"],
    [["-c", "/x", "help", "bogus"], "unknown command 'bogus'"],
    [["bogus", "--help"], "unknown command 'bogus'"],
    [["-h", "lst"], "unknown command 'lst' (Did you mean list?)"],
    [["help", "user", "ad"], "unknown command 'ad' (Did you mean add?)"],
  ])("%j asks for help on what is not there: misused, like the command itself", (argv, what) => {
    expect(understood(...argv)).toMatchObject({ kind: "misused", what });
  });

  test.each([
    [["user", "--help"]],
    [["user", "add", "bob", "--help"]],
    [["-c", "/x", "list", "--help"]],
    [["-c", "/x", "help", "list"]],
    [["--config", "/x", "help"]],
    [["-h"]],
  ])("%j is answered", (argv) => {
    expect(understood(...argv)).toMatchObject({ kind: "answer" });
  });
});

describe("errors become exit codes", () => {
  test.each([
    [new Refusal("refused", "no", "c"), 1],
    [new Refusal("usage", "no", "c"), 2],
    [new Refusal("no_permission", "no", "c"), 4],
    [refusal(new FirewallError("no", "c", "denied")), 4],
    [refusal(new FirewallError("no", "c")), 5],
    [new Refusal("not_found", "no", "c"), 3],
    [new Refusal("broken", "no", "c"), 5],
    [new Failure(4, "no", "c"), 4],
    [new SettingsError("/f", [{ path: "", message: "no" }], "c"), 5],
    [Object.assign(new Error("no"), { cure: "c", code: "EACCES" }), 5],
  ])("%s", (error, exit) => {
    expect(told(error)).toEqual({ exit, what: "no", cure: "c" });
  });

  test("what the system forbids is a question of permission", () => {
    const forbidden = Object.assign(new Error("connect EACCES /x"), { code: "EACCES", syscall: "connect" });
    expect(told(forbidden)).toMatchObject({ exit: 4, what: "connect EACCES /x" });
  });

  test("a file that cannot be written names its folder", () => {
    const gone = { code: "ENOENT", syscall: "open", path: "/backups/x.new" };
    expect(told(Object.assign(new Error("ENOENT: no such file"), gone))).toMatchObject({
      exit: 5,
      cure: expect.stringMatching(/^look at \/backups: /),
    });
  });

  test("a time that is neither is told with both ways to write it", () => {
    expect(() => sinceOf("--since", "soon", 0)).toThrow(
      expect.objectContaining({ cure: expect.stringMatching(/1d, 2h, 2026-12-31/) }),
    );
  });

  test("an error without a cure is told as a bug", () => {
    expect(told(new Error("oops"))).toMatchObject({ exit: 5, what: "unexpected: oops" });
  });
});

describe("grants", () => {
  const granted = { grant: { grant: GRANT, renewed: false, notes: ["a note"] } };

  test("grant sends the canonical address, a list and seconds", async () => {
    const { asked, out, err, exit } = await play(
      [
        "grant",
        "::ffff:203.0.113.7",
        "--services",
        "ssh,sip",
        "--ttl",
        "1h30m",
        "--user",
        "alice",
        "--reason",
        "why",
      ],
      granted,
    );
    expect(asked).toEqual([
      [
        "grant",
        { address: "203.0.113.7", services: ["ssh", "sip"], ttl: 5400, user: "alice", reason: "why" },
      ],
    ]);
    expect(out).toBe("opened: 203.0.113.7 may use ssh: 1h left (g1a2b3c)");
    expect(err).toBe("note: a note");
    expect(exit).toBe(0);
  });

  test("--json prints the grant itself", async () => {
    expect(JSON.parse((await play(["grant", "203.0.113.7", "--json"], granted)).out)).toEqual(GRANT);
  });

  test("me is the SSH peer; without one it is refused", async () => {
    const inside = await play(["grant", "me"], granted, { sshPeer: async () => "192.0.2.1" });
    expect(inside.asked).toEqual([["grant", { address: "192.0.2.1" }]]);
    expect(await play(["grant", "me"], granted)).toMatchObject({ exit: 1, asked: [] });
  });

  describe("me, wherever an address may stand,", () => {
    const fromSsh = { sshPeer: async () => "192.0.2.1" };
    const entry = { entry: { what: "192.0.2.1", services: [], note: null, left: null }, notes: [] };

    test.each([
      [
        ["allow", "remove", "me"],
        ["allow_remove", { what: "192.0.2.1" }],
      ],
      [
        ["allow", "lookup", "me"],
        ["allow_lookup", { address: "192.0.2.1" }],
      ],
      [
        ["history", "--addr", "me"],
        ["history", { address: "192.0.2.1" }],
      ],
      [
        ["watch", "me"],
        ["watch", { what: "192.0.2.1" }],
      ],
      [
        ["watch", "--user", "me"],
        ["watch", { user: "me" }],
      ],
      [
        ["history", "--user", "me"],
        ["history", { user: "me" }],
      ],
    ])("is the SSH peer: %j", async (argv, question) => {
      const answers = { history: { events: [] }, allow_remove: entry };
      expect((await play(argv, answers, fromSsh)).asked).toEqual([question]);
    });

    test.each([[["allow", "remove", "me"]], [["allow", "lookup", "me"]], [["history", "--addr", "me"]]])(
      "is refused without one: %j",
      async (argv) => {
        expect(await play(argv)).toMatchObject({ exit: 1, asked: [] });
      },
    );

    test("is the user of that name for watch and revoke without one: they take users too", async () => {
      const answers = { revoke: { revoked: [GRANT], notes: [] } };
      expect((await play(["watch", "me"])).asked).toEqual([["watch", { what: "me" }]]);
      expect((await play(["revoke", "me"], answers)).asked).toEqual([["revoke", { what: "me" }]]);
    });

    const mine = { ...GRANT, user: "me", address: "192.0.2.1" };
    const elsewhere = { ...mine, id: "g000002", address: "198.51.100.9" };
    test.each([
      ["nothing is open for a user of that name", [GRANT]],
      ["both are one and the same door", [mine, GRANT]],
    ])("is closed by revoke where %s", async (_, grants) => {
      const answers = { list: { grants }, revoke: { revoked: [mine], notes: [] } };
      const { asked } = await play(["revoke", "me"], answers, fromSsh);
      expect(asked).toEqual([
        ["list", {}],
        ["revoke", { what: "192.0.2.1" }],
      ]);
    });

    test("is not guessed by revoke where the user has a door elsewhere: it names both ways", async () => {
      const answers = { list: { grants: [mine, elsewhere] } };
      const { exit, err, asked } = await play(["revoke", "me"], answers, fromSsh);
      expect([exit, asked]).toEqual([2, [["list", {}]]]);
      expect(err).toContain("knockctl revoke 192.0.2.1, or knockctl revoke --user me");
      const user = { revoke: { revoked: [mine], notes: [] } };
      expect((await play(["revoke", "--user", "me"], user, fromSsh)).asked).toEqual([
        ["revoke", { user: "me" }],
      ]);
    });
  });

  test.each([
    [["grant", "pbx.example.com"]],
    [["history", "--addr", "pbx.example.com"]],
    [["revoke", "alice", "--user", "alice"]],
    [["watch", "alice", "--user", "alice"]],
    [["grant", "203.0.113.7", "--ttl", "soon"]],
    [["grant", "203.0.113.7", "--services", "ssh,,sip"]],
    [["extend", "g1a2b3c"]],
    [["revoke"]],
    [["revoke", "alice", "--all"]],
    [["list", "--watch"]],
    [["user", "set", "alice"]],
    [["user", "set", "alice", "--enable", "--disable"]],
    [["user", "set", "alice", "--steps", "udp,udp"]],
    [["user", "set", "alice", "--expires", "2026-02-30"]],
    [["firewall", "apply", "--now", "--confirm", "60s"]],
    [["user", "set", "alice", "--callers", "201,,202"]],
    [["user", "rotate", "alice"]],
    [["completion", "tcsh"]],
  ])("%j asks for what cannot be: exit 2, nothing asked", async (argv) => {
    expect(await play(argv)).toMatchObject({ exit: 2, asked: [], out: "" });
  });

  test("revoke names one or all, and may keep sessions", async () => {
    const answers = { revoke: { revoked: [GRANT], notes: [] } };
    expect((await play(["revoke", "alice"], answers)).asked).toEqual([["revoke", { what: "alice" }]]);
    const all = await play(["revoke", "--all", "--keep-sessions"], answers);
    expect(all.asked).toEqual([["revoke", { all: true, keep_sessions: true }]]);
    expect(all.out).toBe("closed: 203.0.113.7 (ssh; g1a2b3c)");
  });

  test("what the gate does not know is exit 3", async () => {
    expect(await play(["extend", "g000000", "--ttl", "1h"])).toMatchObject({
      exit: 3,
      err: "no extend\nlook elsewhere",
    });
  });
});

describe("users", () => {
  const changed = (values: Partial<UserView> = {}, once: ShownOnce = {}) => {
    const result = { user: { ...USER, ...values }, once, notes: [], new_client: false };
    return { user_add: result, user_set: result, user_rotate: result };
  };
  const added = changed();
  const URI = "otpauth://totp/pbx:alice?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

  test("the proof is the gate's business when none is named; none is done, and said what it means", async () => {
    const otp = await play(["user", "add", "alice"], changed({ proof: "otp", has_otp: true }));
    expect(otp).toMatchObject({ exit: 0, asked: [["user_add", { name: "alice" }]], err: "" });
    const none = await play(["user", "add", "alice", "--proof", "none"], added);
    expect(none).toMatchObject({ exit: 0, asked: [["user_add", { name: "alice", proof: "none" }]] });
    expect(none.err).toMatch(/^note: proof none: whoever sees the three ports[^\n]*$/);
  });

  test("an approval by phone of the ports alone is allowed, with a warning", async () => {
    const { exit, err } = await play(
      ["user", "set", "alice", "--approval", "phone"],
      changed({ approval: "phone" }),
    );
    expect(exit).toBe(0);
    expect(err).toMatch(/^note: proof none: whoever saw the three ports can leave requests/);
    expect((await play(["user", "set", "alice", "--ttl", "2h"], added)).err).toBe("");
  });

  test("a drawn PIN and the authenticator's URI are shown once; a program gets both as keys", async () => {
    const once = changed({ proof: "otp", has_pin: true, has_otp: true }, { pin: "73920516", otp_uri: URI });
    const { out, asked } = await play(["user", "add", "alice", "--pin", "--otp"], once);
    expect(asked).toEqual([["user_add", { name: "alice", pin: true, otp: true }]]);
    expect(out).toContain("73920516");
    expect(out).toContain(URI);
    expect(out).toContain("shown once");
    expect(out).not.toContain("█");
    const json = JSON.parse((await play(["user", "add", "alice", "--pin", "--json"], once)).out);
    expect(json).toMatchObject({ name: "alice", steps: USER.steps, pin: "73920516", otp_uri: URI });
  });

  test("on a terminal the URI is drawn as a QR code", async () => {
    const terminal = { columns: 100, colour: false };
    const { out } = await play(["user", "set", "alice", "--otp"], changed({}, { otp_uri: URI }), {
      terminal,
    });
    expect(out).toContain("██ ▄▄▄▄▄ █");
    expect(out).toContain("scan it");
  });

  test("--pin - reads the PIN from standard input, and does not show it again", async () => {
    const read = { readSecret: async () => "73920516" };
    const once = changed({ has_pin: true }, { pin: "73920516" });
    const { out, asked } = await play(["user", "set", "alice", "--pin", "-"], once, read);
    expect(asked).toEqual([["user_set", { name: "alice", pin: "73920516" }]]);
    expect(out).not.toContain("73920516");
    const json = await play(["user", "rotate", "alice", "--pin", "-", "--json"], once, read);
    expect(json.asked).toEqual([["user_rotate", { name: "alice", pin: "73920516" }]]);
    expect(JSON.parse(json.out)).not.toHaveProperty("pin");
  });

  test("a PIN is never taken from the command line", () => {
    expect(understood("user", "set", "alice", "--pin", "73920516")).toMatchObject({ kind: "misused" });
  });

  test("secrets, number and callers are taken away again", async () => {
    const argv = ["user", "set", "alice", "--no-pin", "--no-otp", "--phone", "none", "--callers", "any"];
    expect((await play(argv, added)).asked).toEqual([
      ["user_set", { name: "alice", phone: null, callers: [], otp: null, pin: null }],
    ]);
    const callers = ["user", "set", "alice", "--callers", "201,+4930123", "--phone", "+4930123"];
    expect((await play(callers, added)).asked).toEqual([
      ["user_set", { name: "alice", phone: "+4930123", callers: ["201", "+4930123"] }],
    ]);
  });

  test("--ssh-key sends the file of keys to the gate, --no-ssh-key takes the keys away", async () => {
    const LINE = "ssh-ed25519 AAAA alice@laptop\n";
    const read = { readText: async (path: string) => (path === "alice.pub" ? LINE : `from ${path}`) };
    const file = await play(["user", "add", "alice", "--ssh-key", "alice.pub"], added, read);
    expect(file.asked).toEqual([["user_add", { name: "alice", ssh_keys: LINE }]]);
    const input = await play(["user", "set", "alice", "--ssh-key", "-"], added, read);
    expect(input.asked).toEqual([["user_set", { name: "alice", ssh_keys: "from -" }]]);
    const none = await play(["user", "set", "alice", "--no-ssh-key"], added, read);
    expect(none.asked).toEqual([["user_set", { name: "alice", ssh_keys: null }]]);
  });

  test("one standard input is not read for two things", async () => {
    const { exit, asked } = await play(["user", "set", "alice", "--ssh-key", "-", "--pin", "-"], added);
    expect([exit, asked]).toEqual([2, []]);
  });

  test("rotate draws what was named, and tells how to knock only when that changed", async () => {
    const all = await play(["user", "rotate", "alice", "--ports", "--pin", "--otp"], added);
    expect(all.asked).toEqual([["user_rotate", { name: "alice", ports: true, pin: true, otp: true }]]);
    expect(all.out).toContain("knockctl user client alice");
    expect((await play(["user", "rotate", "alice", "--otp"], added)).out).not.toContain("user client");
  });

  test("set says that the client must be made anew, with the command, where the gate says so", async () => {
    const { user_set } = changed();
    const said = { user_set: { ...user_set, notes: ["old"], new_client: true } };
    const { err } = await play(["user", "set", "alice", "--steps", "udp,tcp,udp"], said);
    expect(err).toMatch(/^note: old\nnote: a client made for alice before does not fit any more\. /);
    expect(err).toContain("knockctl user client alice > knock-alice.sh");
    expect((await play(["user", "set", "alice", "--steps", "udp,udp,udp"], added)).err).toBe("");
  });

  test("show tells the settings' times, and works without them too", async () => {
    const decoded = decodeSettings({}, "/srv/knockline.toml");
    const settings = async () => (decoded as { settings: Settings }).settings;
    const broken = async () => {
      throw new SettingsError("/srv/knockline.toml", [], "correct it");
    };
    const shown = async (read: World["settings"]) =>
      (await play(["user", "show", "alice"], { user_show: { user: USER } }, { settings: read })).out;
    expect(await shown(settings)).toMatch(/^opens for +1h \(default\)$/m);
    expect(await shown(broken)).toMatch(/^opens for +as long as \[access\] ttl says$/m);
  });

  test("add prints the ports and the next command", async () => {
    const { out } = await play(["user", "add", "alice", "--proof", "none"], added);
    expect(out).toContain("12345:udp");
    expect(out).toContain("knockctl user client alice > knock-alice.sh");
  });

  test("set sends only what was named; default and never take away", async () => {
    const argv = [
      "user",
      "set",
      "alice",
      "--ttl",
      "default",
      "--max-ttl",
      "1d",
      "--expires",
      "never",
      "--disable",
    ];
    const { asked } = await play(argv, added);
    expect(asked).toEqual([
      ["user_set", { name: "alice", ttl: null, max_ttl: 86_400, expires: null, enabled: false }],
    ]);
  });

  test("a day means its end", async () => {
    const { asked } = await play(["user", "set", "alice", "--expires", "2026-12-31"], added);
    expect(asked).toEqual([["user_set", { name: "alice", expires: "2026-12-31T23:59:59.000Z" }]]);
  });
});

describe("approvals", () => {
  const request: PendingRequestView = {
    id: "p1a2b3c",
    user: "alice",
    address: "203.0.113.7",
    services: ["ssh"],
    since: "2026-08-01T12:00:00.000Z",
    expires: "2026-08-01T12:10:00.000Z",
  };

  test("pending lists what waits, for people and for programs", async () => {
    const answers = { pending: { pending: [request] } };
    expect((await play(["pending"], answers)).out).toMatch(/203\.0\.113\.7 +alice +ssh +10m +p1a2b3c$/);
    expect(JSON.parse((await play(["pending", "--json"], answers)).out)).toEqual({ pending: [request] });
  });

  test("approve answers with the grant, deny with the request", async () => {
    const approved = await play(["approve", "p1a2b3c"], { approve: { grant: GRANT } });
    expect(approved.asked).toEqual([["approve", { id: "p1a2b3c" }]]);
    expect(approved.out).toBe("approved: 203.0.113.7 may use ssh: 1h left (g1a2b3c)");
    const denied = await play(["deny", "p1a2b3c"], { deny: { pending: request } });
    expect(denied.out).toBe("denied: 203.0.113.7 asked for ssh as alice (p1a2b3c)");
    const json = await play(["deny", "p1a2b3c", "--json"], { deny: { pending: request } });
    expect(JSON.parse(json.out)).toEqual(request);
  });

  test("unlock says whose tries are forgiven; nobody's is exit 3", async () => {
    const { asked, out } = await play(["unlock", "alice"], { unlock: { unlocked: ["otp/alice"] } });
    expect(asked).toEqual([["unlock", { who: "alice" }]]);
    expect(out).toBe("unlocked: otp/alice");
    expect((await play(["unlock", "nobody"])).exit).toBe(3);
  });
});

describe("history and watch", () => {
  test("since is a time ago or a date", async () => {
    const since = async (text: string) =>
      (await play(["history", "--since", text], { history: { events: [] } })).asked;
    expect(await since("1d")).toEqual([["history", { since: "2026-07-31T12:00:00.000Z" }]]);
    expect(await since("2026-07-01")).toEqual([["history", { since: "2026-07-01T00:00:00.000Z" }]]);
  });

  test("an address to watch is asked for as events have it", async () => {
    expect((await play(["watch", "::ffff:203.0.113.7"])).asked).toEqual([["watch", { what: "203.0.113.7" }]]);
  });

  test("watch --json is one object a line", async () => {
    const { out, asked } = await play(["watch", "203.0.113.7", "--json"]);
    expect(JSON.parse(out)).toEqual(EVENT);
    expect(asked).toEqual([["watch", { what: "203.0.113.7" }]]);
  });
});

describe("init", () => {
  interface Host {
    /** What a person answers to the question, one after the other. */
    answers?: string[];
    /** The policy in force; undefined: none was ever confirmed. */
    guard?: string;
  }

  /** Runs init on a host, and gives the name that went into the settings beside the rest. */
  async function init(argv: string[], { answers = [], guard }: Host): Promise<Played & { name: string }> {
    let toml = "";
    const foundation: Foundation = {
      hostName: "pbx_1.example.com",
      ask: async (_, fallback) => answers.shift() ?? fallback,
      letters: (n) => "k3v9x2qa".slice(0, n),
      settled: async () => false,
      lay: async (text) => {
        toml = text;
        return [];
      },
    };
    const played = await play(
      ["init", ...argv],
      { user_list: { users: [USER] }, status: { firewall: { guard } } },
      {
        foundation: async () => foundation,
        settings: async () => ({ server: { name: "pbx-k3v9x2qa" } }) as Settings,
        paths: async () => ({ boot: "/srv/boot.nft" }) as Paths,
        exists: async () => guard !== undefined,
      },
    );
    return { ...played, name: /^name = "(.*)"$/m.exec(toml)?.[1] ?? "" };
  }

  test.each([
    ["2001:db8::1", /IPv6 .*user client NAME --host 2001:db8::1/],
    ["pbx.example.com:5060", /no port/],
    ["m\u00fcnchen.example", /letters, digits, dots and hyphens/],
    ["pbx..example", /letters, digits, dots and hyphens/],
    [`${"x".repeat(52)}.com`, /too long: at most 55/],
  ])("asks again instead of bending %s into a name that leads nowhere", async (wrong, told) => {
    const { name, err } = await init([], { answers: [wrong, "pbx.example.com"] });
    expect(name).toBe("pbx.example.com-k3v9x2qa");
    expect(err).toMatch(told);
  });

  test("takes the machine's own name where nobody answers, as far as it may stand there", async () => {
    expect(await init([], {})).toMatchObject({ name: "pbx-1.example.com-k3v9x2qa", err: "" });
  });

  test("says that nothing is closed only where it is so", async () => {
    const nothing = "Nothing is closed yet.";
    expect((await init([], {})).out).toContain(nothing);
    expect((await init([], { guard: "nothing" })).out).toContain(nothing);
    const closed = (await init([], { guard: "services" })).out;
    expect(closed).not.toContain(nothing);
    expect(closed).toContain('Doors are closed to strangers here already: guard = "services".');
  });

  test("without a user claims nothing that it would have to ask the gate", async () => {
    const { out, asked } = await init(["--no-user"], { guard: "services" });
    expect(asked).toEqual([]);
    expect(out).not.toMatch(/closed yet|closed to strangers/);
    expect(out).toContain("knockctl firewall plan");
  });
});

describe("restore", () => {
  const allowed = ["203.0.113.7", "203.0.113.8"];
  const content = {
    server: "pbx-k3v9x2qa",
    made: "2026-07-01T12:00:00.000Z",
    vault: "0123456789abcdef",
    secret: Buffer.alloc(32).toString("base64"),
    settings: null,
    records: allowed.map((what) => [`allow/${what}`, {}]),
  };
  const salt = { salt: Buffer.alloc(16), nonce: Buffer.alloc(12) };
  const file = lock(Buffer.from(JSON.stringify(content)), "correct horse", salt, { logN: 4, r: 1, p: 1 });
  const backupFiles = {
    read: async () => file,
    stageSecret: async () => false,
    settleSecret: async () => {},
  } as Partial<BackupFiles> as BackupFiles;
  const touches: Partial<World> = {
    backupFiles: async () => backupFiles,
    readSecret: async () => "correct horse",
    settings: async () => ({ server: { name: "pbx-k3v9x2qa" } }) as Settings,
  };
  const done = { users: ["alice"], events: 0, closed: [], notes: [] };

  test("names the allowlist entries that came back, and how many more", async () => {
    const restored = { ...done, allowed_again: { count: 5, first: allowed } };
    const { out, exit } = await play(["restore", "x.backup"], { restore: restored }, touches);
    expect(exit).toBe(0);
    expect(out).toContain("on the allowlist again: 203.0.113.7, 203.0.113.8 and 3 more (to take one off");
    const none = { ...done, allowed_again: { count: 0, first: [] } };
    expect((await play(["restore", "x.backup"], { restore: none }, touches)).out).not.toContain("allowlist");
  });

  test("--check counts the allowlist entries", async () => {
    const { out } = await play(["restore", "x.backup", "--check"], {}, touches);
    expect(out).toContain("\nallowlist: 2 entries (a restore adds those that are not there)\n");
  });
});

describe("firewall apply", () => {
  const trial = {
    state: "trial",
    ends: "2026-08-01T12:01:00Z",
    kept: [{ ...GRANT, address: "192.0.2.1" }],
    notes: [],
  };

  test("it keeps whoever is logged in and says how to confirm", async () => {
    const { asked, out } = await play(["firewall", "apply"], { firewall_apply: trial });
    expect(asked).toEqual([["firewall_apply", { confirm: 60, keep: ["192.0.2.1"], ssh_ports: [22] }]]);
    expect(out).toContain("on trial until 2026-08-01 12:01:00: in 60 s the kernel rolls back");
    expect(out).toContain("knockctl firewall confirm");
    expect(out).toContain("192.0.2.1");
  });

  test("--now confirms at once", async () => {
    const { asked } = await play(["firewall", "apply", "--now"], {
      firewall_apply: { ...trial, ends: null },
    });
    expect(asked).toEqual([["firewall_apply", { now: true, keep: ["192.0.2.1"], ssh_ports: [22] }]]);
  });
});

describe("a folder that is not there", () => {
  const exists = async () => false;
  test.each([
    [["import", "incrediblepbx", ""], 'import incrediblepbx: "" is no folder'],
    [["import", "incrediblepbx", "/nonexist"], 'import incrediblepbx: "/nonexist" is no folder'],
    [["audit", "--root", ""], '--root: "" is no folder'],
    [["audit", "--root", "/nonexist"], '--root: "/nonexist" is no folder'],
    [["firewall", "integrate", "--root", "/nonexist"], '--root: "/nonexist" is no folder'],
    [["firewall", "integrate", "--root", ""], '--root: "" is no folder'],
  ])("%j is not looked into: what is missing there would pass for good news", async (argv, what) => {
    const settings = async () => ({ policy: { services: [], mark: 1, mode: "mark" } }) as unknown as Settings;
    const { exit, err } = await play(argv, {}, { exists, settings });
    expect({ exit, err }).toEqual({ exit: 2, err: expect.stringContaining(what) });
  });
});

describe("unlock", () => {
  test("says in a sentence that nothing was locked", async () => {
    const { exit, out } = await play(["unlock", "all"], { unlock: { unlocked: [] } });
    expect({ exit, out }).toEqual({ exit: 0, out: "nothing was locked" });
  });
});

describe("config check", () => {
  const settings = async () => {
    const decoded = decodeSettings({}, "/srv/knockline.toml");
    if (!decoded.ok) throw new Error("defaults must decode");
    return decoded.settings;
  };
  const sound: Partial<World> = { settings, checkSecret: async () => {}, exists: async () => true };

  test("it asks the gate about users, and exits 1 on findings", async () => {
    const { exit, err } = await play(
      ["config", "check"],
      { check: { problems: ["alice: port 5060"] } },
      sound,
    );
    expect({ exit, err }).toEqual({ exit: 1, err: "/srv/knockline.toml:\n  alice: port 5060" });
  });

  test("without a store it does not make one", async () => {
    const exists = async (path: string) => path.endsWith("secret");
    const fresh = await play(["config", "check"], {}, { ...sound, exists });
    expect(fresh).toMatchObject({ exit: 0, asked: [], err: "" });
  });

  const LOST = async (): Promise<never> => {
    throw new SettingsError("/srv/secret", [{ path: "", message: "it is missing" }], "put it back");
  };

  test("a file that no instance was made of yet lacks no secret: its settings are checked, and it says so", async () => {
    const alone = { ...sound, checkSecret: LOST, exists: async () => false };
    const { exit, out, err } = await play(["config", "check"], {}, alone);
    expect({ exit, out }).toEqual({ exit: 0, out: "/srv/knockline.toml: no problem found" });
    expect(err).toContain("nothing but the settings was checked");
  });

  test("a problem is one string, with what to do", async () => {
    const { exit, out } = await play(["config", "check", "--json"], {}, { ...sound, checkSecret: LOST });
    expect(exit).toBe(1);
    expect(JSON.parse(out).problems).toEqual(["it is missing; put it back"]);
  });

  test("problems of settings are findings, all of them", async () => {
    const problems = [
      { path: "a", message: "x" },
      { path: "b", message: "y" },
    ];
    const broken = async () => {
      throw new SettingsError("/srv/knockline.toml", problems, "correct it");
    };
    const { exit, out } = await play(["config", "check", "--json"], {}, { ...sound, settings: broken });
    expect(exit).toBe(1);
    expect(JSON.parse(out)).toEqual({ ok: false, problems: ["a: x", "b: y"], notes: [] });
  });
});

describe("firewall integrate", () => {
  const NO_FIREWALL = {
    look: async () => ({ nft: "", iptables: [], files: [] }),
    change: async () => undefined,
  };
  const chain = (table: string) => ({
    chain: { family: "inet", table, name: "input", handle: 1, type: "filter", hook: "input", policy: "drop" },
  });
  /** A host whose only firewall is one table of nftables, and what was changed there. */
  function hostWith(table: string): { touches: Partial<World>; changes: unknown[] } {
    const changes: unknown[] = [];
    const nft = JSON.stringify({ nftables: [chain(table)] });
    const touches: Partial<World> = {
      settings: async () => ({ policy: { mark: 0x04000000, mode: "mark" } }) as Settings,
      hostFirewall: async () => ({
        look: async () => ({ nft, iptables: [], files: [] }),
        change: async (edit) => void changes.push(edit),
      }),
    };
    return { touches, changes };
  }
  const RULE = "meta mark & 0x04000000 == 0x04000000 accept";

  test("--dry-run says what would be done, and does nothing", async () => {
    const { touches, changes } = hostWith("own");
    const { exit, out } = await play(["firewall", "integrate", "--dry-run"], {}, touches);
    expect(exit).toBe(0);
    expect(out).toContain(`nft insert rule inet own input ${RULE}`);
    expect(changes).toEqual([]);
  });

  test("a note is one in JSON as well, and there is none about a rule that has no place", async () => {
    const guard = { settings: async () => ({ policy: { mark: 0x04000000, mode: "guard" } }) as Settings };
    const there = await play(
      ["firewall", "integrate", "--dry-run", "--json"],
      {},
      { ...hostWith("own").touches, ...guard },
    );
    expect(there.err).toBe("");
    expect(JSON.parse(there.out).notes).toContainEqual(expect.stringContaining('[firewall] mode is "guard"'));
    const nowhere = { ...hostWith("own").touches, ...guard, hostFirewall: async () => NO_FIREWALL };
    const { out, err } = await play(["firewall", "integrate"], {}, nowhere);
    expect({ out, err }).toEqual({ out: expect.stringContaining("nothing to integrate with"), err: "" });
  });

  test("--check exits 1 where the rule is missing, in JSON too", async () => {
    const { touches } = hostWith("own");
    const { exit, out } = await play(["firewall", "integrate", "--check", "--json"], {}, touches);
    expect(exit).toBe(1);
    expect(JSON.parse(out)).toMatchObject({
      places: [{ where: "nft inet own input", rules: ["nft"], saved: false, state: "missing" }],
      changes: [],
    });
  });

  test("a change that did not take is no success", async () => {
    const { touches, changes } = hostWith("own");
    const { exit, err } = await play(["firewall", "integrate"], {}, touches);
    expect(exit).toBe(5);
    expect(err).toContain("not as it should be after the change: nft inet own input (missing)");
    expect(changes).toHaveLength(1);
  });

  test("firewalld on nftables is refused, and status says that mark lets nobody in there", async () => {
    const { touches, changes } = hostWith("firewalld");
    expect(await play(["firewall", "integrate"], {}, touches)).toMatchObject({ exit: 1 });
    expect(changes).toEqual([]);
    const view = { ok: true, knockd: { problems: [] }, firewall: { accept_mark: 0x04000000 } };
    const { out } = await play(["status", "--json"], { status: view }, touches);
    expect(JSON.parse(out)).toMatchObject({
      ok: false,
      knockd: { problems: [expect.stringContaining("lets nobody in here: firewalld")] },
    });
  });
});

test("the version is the package's", () => {
  expect(VERSION).toBe(JSON.parse(readFileSync("package.json", "utf8")).version);
});

test("a name is guessed only when it is near", () => {
  expect(nearest("acess.ttl", ["access.ttl", "access.max_ttl"])).toBe("access.ttl");
  expect(nearest("frobnicate", ["access.ttl", "log.level"])).toBeUndefined();
  expect(nearest("x".repeat(1000), ["access.ttl"])).toBeUndefined();
});
