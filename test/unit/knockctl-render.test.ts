import { describe, expect, test } from "vitest";
import { GROUPS, TOPICS } from "../../src/knockctl/catalogue/all.ts";
import { interpret } from "../../src/knockctl/cli.ts";
import { eventLine } from "../../src/knockctl/render/events.ts";
import { renderGrants } from "../../src/knockctl/render/grants.ts";
import { renderOnce } from "../../src/knockctl/render/once.ts";
import { renderPending } from "../../src/knockctl/render/pending.ts";
import { renderPlan } from "../../src/knockctl/render/plan.ts";
import { qrCode } from "../../src/knockctl/render/qr.ts";
import { fitHeight } from "../../src/knockctl/render/screen.ts";
import { renderFirewall, renderStatus } from "../../src/knockctl/render/status.ts";
import { renderUser, renderUsers, type Usual } from "../../src/knockctl/render/users.ts";
import { hours } from "../../src/shared/duration.ts";
import type {
  EventView,
  GrantView,
  PendingRequestView,
  PlanView,
  StatusView,
  UserView,
} from "../../src/shared/gate/views.ts";

const grant = (values: Partial<GrantView>): GrantView => ({
  id: "g1a2b3c",
  user: "alice",
  address: "203.0.113.7",
  services: ["ssh", "sip"],
  by: "knock",
  proof: "none",
  since: "2026-08-01T12:00:00.000Z",
  expires: "2026-08-01T13:00:00.000Z",
  left: 3540,
  length: 3600,
  ...values,
});

const GRANTS: readonly GrantView[] = [
  grant({
    id: "g000004",
    address: "2001:db8:1:2::/64",
    by: "admin",
    user: null,
    proof: null,
    since: "2026-08-01T12:30:00Z",
    left: 85_000,
    length: 86_400,
    reason: "ticket 42",
  }),
  grant({ id: "g000001", left: 3540 }),
  grant({
    id: "g000002",
    address: "198.51.100.20",
    user: "bob",
    by: "phone",
    proof: null,
    since: "2026-08-01T12:10:00Z",
    left: 800,
  }),
  grant({
    id: "g000003",
    address: "192.0.2.99",
    user: "carol",
    proof: "ssh",
    since: "2026-08-01T12:20:00Z",
    left: 45,
  }),
];

const TAGS: Record<string, string> = {
  "1": "strong",
  "2": "faint",
  "31": "bad",
  "32": "good",
  "33": "warning",
};

/** Colours as words, so that the golden can be read: `<good>59m</>`. */
const readable = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is looked for
  text.replace(/\x1b\[(\d+)m/g, (_, code: string) => (TAGS[code] === undefined ? "</>" : `<${TAGS[code]}>`));

const golden = (name: string, text: string) =>
  expect(`${text}\n`).toMatchFileSnapshot(`goldens/cli-${name}.txt`);

describe("list", () => {
  test("on a terminal it is a coloured table with bars, newest last", () =>
    golden("list-colour", readable(renderGrants(GRANTS, { columns: 120, colour: true }))));

  test("with NO_COLOR the bars stay", () =>
    golden("list-terminal", renderGrants(GRANTS, { columns: 120, colour: false })));

  test("a narrow terminal loses the least important columns first", () =>
    golden(
      "list-narrow",
      [90, 70, 60, 40].map((columns) => renderGrants(GRANTS, { columns, colour: false })).join("\n\n"),
    ));

  test("in a pipe it is plain aligned text", () => golden("list-pipe", renderGrants(GRANTS, undefined)));

  test("an empty list says so and how to open", () => {
    expect(renderGrants([], undefined)).toMatch(/^nothing is open\nto open: .*knockctl grant/);
  });

  test("a reason from outside cannot move the cursor", () => {
    const text = renderGrants([grant({ reason: "\x1b[2J\u202eevil\r" })], undefined);
    expect(text).toContain("?[2J?evil?");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
    expect(text).not.toMatch(/[\x00-\x09\x0b-\x1f]/);
  });

  test("the bar of an open grant is never empty, and never longer than full", () => {
    expect(renderGrants([grant({ left: 1, length: 86_400 })], { columns: 120, colour: false })).toContain(
      "█░░░░░░░░░ 1s",
    );
    expect(renderGrants([grant({ left: 9000, length: 3600 })], { columns: 120, colour: false })).toContain(
      "██████████ 2h30m",
    );
  });

  test("a table taller than the screen keeps its titles and the newest rows", () => {
    expect(fitHeight("T\n1\n2\n3\n4\n5", 4)).toBe("T\n... 3 more\n4\n5");
    expect(fitHeight("T\n1", 4)).toBe("T\n1");
  });
});

const USERS: readonly UserView[] = [
  {
    name: "alice",
    steps: [12_345, 2345, 30_012].map((port) => ({ proto: "udp", port })),
    proof: "none",
    services: ["ssh", "sip"],
    ttl: 7200,
    max_ttl: null,
    approval: "none",
    enabled: true,
    expires: null,
    ports_since: "2026-07-01T12:00:00.000Z",
    has_pin: true,
    has_otp: false,
    ssh_keys: [],
    phone: "+49301234567",
    callers: ["201", "+49301234567"],
  },
  {
    name: "bob",
    steps: [],
    proof: "otp",
    services: ["web"],
    ttl: null,
    max_ttl: null,
    approval: "call",
    enabled: true,
    expires: "2026-12-31T23:59:59.000Z",
    ports_since: "2026-07-01T12:00:00.000Z",
    has_pin: true,
    has_otp: true,
    ssh_keys: [],
    phone: null,
    callers: [],
  },
  {
    name: "carol",
    steps: [],
    proof: "ssh",
    services: ["ssh"],
    ttl: null,
    max_ttl: null,
    approval: "none",
    enabled: false,
    expires: null,
    ports_since: "2026-07-01T12:00:00.000Z",
    has_pin: false,
    has_otp: false,
    ssh_keys: ["SHA256:F2p9Xf1tq6Yk0mVb1r2J3s4T5u6V7w8X9y0Z1a2B3c4"],
    phone: null,
    callers: [],
  },
];

test("users are listed without their secret ports, and shown with them", () => {
  const now = Date.parse("2026-08-01T12:00:00Z");
  const usual = { ttl: hours(1), maxTtl: hours(12) };
  expect(renderUsers(USERS, undefined, now)).not.toContain("12345");
  const shown = USERS.slice(0, 1).map((user) => renderUser(user, undefined, usual, now));
  return golden("users", [renderUsers(USERS, undefined, now), ...shown].join("\n\n"));
});

test("a user who has come to his end is shown expired, and not as all is well", () => {
  const terminal = { columns: 120, colour: true };
  const [, bob] = USERS; // until the end of 2026
  const shown = (now: string) => readable(renderUsers(bob ? [bob] : [], terminal, Date.parse(now)));
  expect(shown("2026-12-31T12:00:00Z")).toContain("<good>until 2026-12-31</>");
  expect(shown("2027-01-01T00:00:00Z")).toContain("<warning>expired 2026-12-31</>");
});

test("a user without times of his own is shown with those of the settings, where they can be read", () => {
  const [, bob] = USERS;
  if (bob === undefined) throw new Error("bob is gone");
  const shown = (...usual: Usual[]) => renderUser(bob, undefined, usual[0], 0);
  expect(shown({ ttl: hours(1), maxTtl: hours(12) })).toMatch(
    /^opens for +1h \(default\)\nat most +12h \(default\)$/m,
  );
  expect(shown()).toMatch(/^opens for +as long as \[access\] ttl says$/m);
});

test("waiting requests are told with the time they have left", () => {
  const request = (values: Partial<PendingRequestView>): PendingRequestView => ({
    id: "p1a2b3c",
    user: "alice",
    address: "203.0.113.7",
    services: ["ssh", "sip"],
    since: "2026-08-01T12:00:00.000Z",
    expires: "2026-08-01T12:10:00.000Z",
    ...values,
  });
  const requests = [request({}), request({ id: "p000002", address: "2001:db8::7", user: "bob" })];
  expect(renderPending([], undefined, 0)).toBe("nothing waits for an approval");
  return golden("pending", renderPending(requests, undefined, Date.parse("2026-08-01T12:02:30Z")));
});

describe("what is shown once", () => {
  const uri = "otpauth://totp/knockline%20pbx-k3v9x2qa:alice?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

  test("says so, with what to do with it", () => {
    expect(renderOnce({}, undefined, undefined)).toEqual([]);
    expect(renderOnce({ pin: "73920516" }, undefined, undefined)).toEqual([
      "",
      "PIN            73920516",
      "shown once: note it now",
    ]);
    expect(renderOnce({ otp_uri: uri }, undefined, "QR").slice(2)).toEqual([
      "QR",
      "shown once: scan it with the app now",
    ]);
  });

  test("the QR code is white on black where there is colour, plain without, and left out where it does not fit", () => {
    const plain = qrCode(uri, { columns: 80, colour: false }) ?? "";
    const lines = plain.split("\n");
    expect(new Set(lines.map((line) => line.length)).size).toBe(1);
    expect(plain).toMatch(/^[█▀▄ \n]+$/);
    expect(readable(qrCode(uri, { columns: 80, colour: true }) ?? "")).toContain(lines[5]);
    expect(qrCode(uri, { columns: (lines[0]?.length ?? 0) - 1, colour: true })).toBeUndefined();
  });
});

describe("events", () => {
  const event = (values: Partial<EventView>): EventView => ({
    at: "2026-08-01T12:02:11.500Z",
    event: "opened",
    user: "alice",
    address: "203.0.113.7",
    by: "knock",
    reason: "1h",
    ...values,
  });
  const events = [
    event({}),
    event({ event: "denied", user: null, by: null, reason: "wrong order" }),
    event({ event: "policy-confirmed", user: null, address: null, by: "admin", reason: "guard services" }),
    event({ event: "asked", reason: "open for approval for 10m" }),
    event({ event: "approved", by: "phone", reason: null }),
    event({ event: "revoked", address: "2001:db8:1:2:3:4:5:6", by: "admin", reason: null }),
  ];
  const lines = (columns: number, list: readonly EventView[]): string[] =>
    list.flatMap((one) => eventLine(one, { columns, colour: false }, "UTC").split("\n"));

  test("are one line each, in columns", () =>
    golden(
      "events",
      events.map((one) => readable(eventLine(one, { columns: 120, colour: true }, "UTC"))).join("\n"),
    ));

  const long = [
    event({ address: "2001:db8:1234:5678:9abc:def0:1234:5678", event: "denied", reason: "wrong_order" }),
    event({ event: "policy-rolled-back", user: "x".repeat(20), reason: "nobody confirmed it ".repeat(8) }),
  ];

  test("fit a narrow terminal, an address of full length and all", () =>
    golden(
      "events-narrow",
      [80, 60].map((columns) => lines(columns, [...events, ...long]).join("\n")).join("\n\n"),
    ));

  test.each([120, 100, 99, 80, 79, 60])("wrap on no terminal of %i columns", (columns) => {
    for (const line of lines(columns, [...events, ...long]))
      expect(line.length, line).toBeLessThanOrEqual(columns);
  });

  test("are told in full where there is no terminal", () => {
    for (const one of long) expect(eventLine(one, undefined, "UTC")).toContain(one.reason?.trim());
  });
});

test("the status tells one fact a line, and problems", () => {
  const status: StatusView = {
    ok: false,
    knockd: {
      state: "running",
      since: "2026-08-01T12:00:00.000Z",
      problems: ["udp port 12345 of alice is taken"],
    },
    phone: { state: "off" },
    firewall: {
      state: "trial",
      guard: "services",
      accept_mark: null,
      pending: true,
      trial_ends: "2026-08-01T12:01:00.000Z",
      drops: { scanner: 12, rate: 3, global: 0 },
    },
    grants: 3,
    allowlist: { entries: 12, names: 3, failing: 1, oldest: 7_200 },
  };
  return golden("status", readable(renderStatus(status, { columns: 120, colour: true }, "UTC")));
});

test.each([
  ["ok", "knockctl firewall plan"],
  ["missing", "start knockd, or: knockctl firewall apply"],
  ["trial", "knockctl firewall confirm"],
] as const)("a policy that waits while the table is %s comes with its next step", (state, next) => {
  const waiting = { guard: "services", accept_mark: null, pending: true, trial_ends: null, drops: null };
  expect(renderFirewall({ ...waiting, state }, undefined, "UTC")).toContain(next);
  expect(renderFirewall({ ...waiting, state, pending: false }, undefined, "UTC")).not.toContain(next);
});

describe("help", () => {
  const help = (...argv: string[]): string => {
    const meaning = interpret(argv, { topics: TOPICS, groups: GROUPS, version: "1.2.3" });
    return meaning.kind === "answer" ? meaning.text : JSON.stringify(meaning);
  };

  test.each([70, 80])("fits a terminal of %i columns", (width) => {
    const grammar = { topics: TOPICS, groups: GROUPS, version: "1.2.3", width };
    for (const [argv, end] of [
      [["user", "set", "--help"], "Examples:"],
      [[], "Begin with"],
    ] as const) {
      const meaning = interpret(argv, grammar);
      const text = meaning.kind === "answer" ? meaning.text : "";
      const lines = text.slice(0, text.indexOf(end)).split("\n");
      expect(lines.filter((line) => line.length > width)).toEqual([]);
      expect(lines.length).toBeGreaterThan(10);
    }
  });

  test("knockctl alone shows what it can do", () => golden("overview", help()));
  test("a command's help has its options and examples", () => golden("help-grant", help("grant", "--help")));
  test("the help of user add tells every wish", () => golden("help-user-add", help("user", "add", "--help")));

  test.each(TOPICS.flatMap(({ commands }) => commands.map((command) => [command.name, command] as const)))(
    "%s has an example that its own grammar accepts",
    (name, { examples }) => {
      expect(help(...name.split(" "), "--help")).toContain("Examples:\n  knockctl ");
      for (const example of examples) {
        const words = example.replace(/ [|>].*/, "").match(/'[^']*'|\S+/g) ?? [];
        const meaning = interpret(words, { topics: TOPICS, groups: GROUPS, version: "1.2.3" });
        expect(meaning.kind === "run" ? meaning.command.name : meaning, example).toBe(name);
      }
    },
  );
});

test("a plan says which doors close, who gets in, and who stays in", () => {
  const door = (port: number, process: string | null, service: string | null, change: "closes" | "opens") =>
    ({ proto: "tcp", port, process, service, change }) as const;
  const plan: PlanView = {
    same: false,
    changes: ["guard: services -> everything (all but public ports is closed to strangers)"],
    loaded: "altered",
    doors: [
      door(22, "sshd", "ssh", "closes"),
      door(3306, "mariadbd", null, "closes"),
      door(8080, null, null, "opens"),
    ],
    stay: {
      allowlist: 3,
      trusted_interfaces: ["wg0"],
      grants: [{ address: "198.51.100.2", services: ["ssh", "web"] }],
      ssh_peers: ["198.51.100.9"],
    },
    text: "add table inet knockline\n",
  };
  return golden("plan", renderPlan(plan, "sudo knockctl", undefined));
});
