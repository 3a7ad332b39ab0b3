import { describe, expect, test } from "vitest";
import { type Client, readClient } from "../../src/knockctl/audit/outside/client-file.ts";
import { decodeReport } from "../../src/knockctl/audit/outside/decode/report.ts";
import { judge } from "../../src/knockctl/audit/outside/judge.ts";
import { type OutsideWish, planOutside } from "../../src/knockctl/audit/outside/plan.ts";
import { merge, type Report, reportOf } from "../../src/knockctl/audit/outside/report.ts";
import { type Outside, type Reached, walk } from "../../src/knockctl/audit/outside/walk.ts";
import { renderReports } from "../../src/knockctl/render/outside.ts";
import type { Address } from "../../src/shared/address.ts";
import { renderClient } from "../../src/shared/clients/render.ts";
import { type Duration, milliseconds, seconds } from "../../src/shared/duration.ts";
import type { ClientView } from "../../src/shared/gate/views.ts";
import { CLIENT } from "../helpers/views.ts";

const clientOf = (changes: Partial<ClientView> = {}): Client =>
  readClient("knock-ann.sh", renderClient({ ...CLIENT, ...changes }, "pbx.example.com", "sh"));

const WISH: OutsideWish = {
  host: "pbx.example.com",
  ports: undefined,
  second: undefined,
  via: undefined,
  viaHost: undefined,
  wait: undefined,
  phone: false,
};
const SERVER = "198.51.100.1" as Address;
const VPN = "10.9.0.1" as Address;
const SECOND = "203.0.113.77";

/** A server whose door opens for a knock, as long as it is told; only its clock moves. */
class FakeOutside implements Outside {
  readonly name = "laptop";
  now = 0;
  opened = Number.POSITIVE_INFINITY;
  /** What the client says. */
  lines: readonly string[] = ["open after 23 ms"];
  code: number | undefined = 0;

  constructor(
    /** @returns how a connection goes; by what was asked for, and whether the grant is live */
    readonly door: (
      where: { address: string; port: number; from?: string | undefined },
      live: boolean,
    ) => Reached,
    readonly ttl: Duration = seconds(60),
  ) {}

  uptime = () => this.now;
  lookUp = async (host: string) =>
    host === "pbx.vpn" ? VPN : host === "gone.example.com" ? undefined : SERVER;
  addressOf = (device: string) => (device === "wg0" ? ("10.9.0.2" as Address) : undefined);
  connect: Outside["connect"] = async ({ address, port, from }) =>
    this.door({ address, port, from }, this.opened <= this.now && this.now < this.opened + this.ttl);
  knock: Outside["knock"] = async (client, _address, _limit, tell) => {
    for (const line of this.lines) tell(line);
    if (client.approval !== "none") await Promise.resolve();
    this.now += 100;
    if (this.code === 0) this.opened = this.now;
    return this.code;
  };
  pause = async (span: Duration) => {
    this.now += span;
  };
}

/** Lets in by the VPN, and whoever knocked from the address that the system chooses. */
const asItShould: FakeOutside["door"] = ({ address, from }, live) =>
  address === VPN || (live && from === undefined) ? "open" : "silent";

async function audited(
  outside: FakeOutside,
  wish: Partial<OutsideWish> = {},
  client: Client | null = clientOf(),
) {
  const plan = planOutside({ ...WISH, ...wish }, client ?? undefined);
  const told: string[] = [];
  const seen = await walk(plan, SERVER, outside, (line) => told.push(line));
  const judged = judge(plan, SERVER, seen);
  const report = reportOf(plan.host, SERVER, "laptop", 0, judged);
  return {
    told,
    report,
    results: Object.fromEntries(report.steps.map(({ step, result }) => [step, result])),
  };
}
const idsOf = ({ steps }: Report) => steps.flatMap(({ finding }) => finding?.id ?? []);

describe("a client's file", () => {
  test("says whose it is, what it looks at and whether it needs a call", () => {
    expect(clientOf()).toEqual({
      path: "knock-ann.sh",
      user: "ann",
      probe: 22,
      approval: "none",
      pending: 600,
    });
    expect(clientOf({ approval: "phone", probe: null })).toMatchObject({
      approval: "phone",
      probe: undefined,
    });
  });

  test.each(["", "#!/bin/bash\nuser='ann'\n", renderClient(CLIENT, "pbx.example.com", "ps1")])(
    "is no other file",
    (text) => {
      expect(() => readClient("x", text)).toThrow("x is no client in bash");
    },
  );
});

describe("a plan", () => {
  test("is for the port that the client looks at, unless others are named", () => {
    expect(planOutside(WISH, clientOf()).ports).toEqual([22]);
    expect(planOutside({ ...WISH, ports: ["tcp/22", "5061"] }, undefined).ports).toEqual([22, 5061]);
  });

  const wrong: [Partial<OutsideWish>, Partial<ClientView> | null, RegExp][] = [
    [{ host: "" }, {}, /--from-outside: an empty name is no host/],
    [{ via: "wg0", viaHost: " " }, {}, /--via-host: an empty name is no host/],
    [{}, null, /which ports must be closed/],
    [{}, { probe: null }, /which ports must be closed/],
    [{ ports: ["udp/5060"] }, null, /silent alike/],
    [{ ports: ["tcp/0"] }, null, /no port/],
    [{ ports: Array.from({ length: 17 }, () => "22") }, null, /more than 16 ports/],
    [{ ports: ["22"], wait: "1m" }, null, /need a knock/],
    [{ ports: ["22"], phone: true }, null, /need a knock/],
    [{ wait: "soon" }, {}, /no time/],
    [{ second: "eth1" }, {}, /no address/],
    [{ phone: true }, {}, /ann needs no approval/],
    [{}, { approval: "call" }, /a knock of ann waits for a call/],
  ];
  test.each(wrong)("cannot be: %j with %j", (wish, view, message) => {
    const client = view === null ? undefined : clientOf(view);
    expect(() => planOutside({ ...WISH, ...wish }, client)).toThrow(message);
  });
});

describe("an audit from outside", () => {
  const all = { second: SECOND, via: "wg0", viaHost: "pbx.vpn", wait: "90s" };

  test("passes every step where all is well, and says how long it waits", async () => {
    const { results, told } = await audited(new FakeOutside(asItShould), all);
    expect(results).toEqual({ closed: "pass", vpn: "pass", opens: "pass", second: "pass", expires: "pass" });
    expect(told).toEqual([
      "open after 23 ms",
      ...["1m30s", "1m15s", "1m", "45s"].map((left) => `waiting for the expiry: ${left} at most`),
    ]);
  });

  test("only looks, where nobody knocks", async () => {
    const plan = { ports: ["tcp/22"] };
    const { results } = await audited(new FakeOutside(asItShould), plan, null);
    expect(results).toEqual({ closed: "pass" });
  });

  const faults: [string, FakeOutside["door"], Partial<OutsideWish>, string[], Record<string, string>][] = [
    ["a door that is open to strangers", () => "open", {}, ["open-before"], { opens: "unseen" }],
    [
      "a knock that opens nothing",
      () => "silent",
      all,
      ["vpn-closed", "knock-failed"],
      { expires: "unseen" },
    ],
    [
      "a knock that lets in a second address",
      ({ address }, live) => (address === VPN || live ? "open" : "silent"),
      all,
      ["second-let-in"],
      { expires: "pass" },
    ],
    [
      "a second address that needs no knock",
      ({ from, address }, live) => (from === SECOND || address === VPN || live ? "open" : "silent"),
      { second: SECOND },
      ["second-open-before"],
      {},
    ],
    [
      "a port that no service of the user has",
      ({ port }, live) => (live && port === 22 ? "open" : "refused"),
      { ports: ["tcp/22", "tcp/5061"] },
      ["partly-open"],
      { closed: "pass" },
    ],
    ["a grant that does not end", asItShould, { wait: "30s" }, ["still-open"], {}],
    ["a server that cannot be reached", () => "unreachable", {}, ["knock-failed"], { closed: "unseen" }],
  ];
  test.each(faults)("finds %s", async (_, door, wish, ids, results) => {
    const outside = new FakeOutside(door);
    if (ids.includes("knock-failed")) {
      outside.code = 1;
      outside.lines = ["knock: not open after 3 knocks"];
    }
    const seen = await audited(outside, wish);
    expect(idsOf(seen.report)).toEqual(ids);
    expect(seen.results).toMatchObject(results);
    for (const { finding } of seen.report.steps.filter(({ finding }) => finding !== null)) {
      expect(finding?.why).not.toBe("");
      expect(finding?.fix).toMatch(/knockctl/);
    }
  });

  test("tells whom to call only when it was seen that the knock alone opened nothing", async () => {
    const outside = new FakeOutside(asItShould);
    outside.lines = ["Dial 864 and key 482193", "open after 31 s"];
    const { results, told } = await audited(outside, { phone: true }, clientOf({ approval: "phone" }));
    expect(results).toEqual({ closed: "pass", waits: "pass", opens: "pass" });
    expect(told).toContain("Dial 864 and key 482193");
  });

  test("finds a door that opens before anybody called", async () => {
    let looks = 0;
    const outside = new FakeOutside(() => (++looks === 1 ? "silent" : "open"));
    outside.lines = ["Your phone will ring; the code it speaks must be 482193"];
    const { report } = await audited(outside, { phone: true }, clientOf({ approval: "call" }));
    expect(idsOf(report)).toEqual(["open-before-call"]);
  });

  test("says that a VPN without an address proves nothing", async () => {
    const { results } = await audited(new FakeOutside(asItShould), { via: "wg1" });
    expect(results.vpn).toBe("unseen");
  });
});

describe("reports of several vantage points", () => {
  const at = async (from: string, now: number, door: FakeOutside["door"]): Promise<Report> => ({
    ...(await audited(new FakeOutside(door), { wait: "90s" })).report,
    from,
    at: new Date(now).toISOString(),
  });

  test("stand side by side in one table, with what is to be put right", async () => {
    const reports = [await at("office", 0, () => "open"), await at("home", milliseconds(60_000), asItShould)];
    await expect(`${renderReports(merge(reports), undefined)}\n`).toMatchFileSnapshot(
      "goldens/cli-audit-outside.txt",
    );
  });

  test("count once for each name: the later one", async () => {
    const [old, young] = [await at("home", 0, () => "open"), await at("home", 1, asItShould)];
    expect(merge([young, old])).toEqual([young]);
  });

  test("are read as they were written, and nothing else is", async () => {
    const report = await at("home", 0, () => "open");
    expect(decodeReport("a.json", JSON.stringify(report))).toEqual(report);
    for (const text of ["", "{}", "[]", JSON.stringify({ ...report, steps: [{ step: "other" }] })])
      expect(() => decodeReport("a.json", text)).toThrow("a.json is no report");
  });
});
