import { strict as assert } from "node:assert";
import { readClient } from "../../src/knockctl/audit/outside/client-file.ts";
import { decodeReport } from "../../src/knockctl/audit/outside/decode/report.ts";
import { Failure } from "../../src/knockctl/failure.ts";
import { newUsers } from "../../src/knockctl/incrediblepbx/new-users.ts";
import { takeOver } from "../../src/knockctl/incrediblepbx/take-over.ts";
import { renderTakeOver } from "../../src/knockctl/render/take-over.ts";
import { parseName } from "../../src/shared/names/name.ts";
import { parseNetwork } from "../../src/shared/network.ts";
import { assertPrintable, attempt, target } from "./target.ts";

const SERVICES = [
  { name: "ssh", ports: [{ proto: "tcp", from: 22, to: 22 } as const], replies: false },
  { name: "sip", ports: [{ proto: "udp", from: 5060, to: 5061 } as const], replies: false },
];

/** Each kind of file; an input is one of them by its length. */
const PATHS = [
  "/root/ann.iptables",
  "/usr/local/sbin/iptables-custom",
  "/etc/iptables/rules.v4",
  "/etc/knockd.conf",
];

/** A text as one kind of file of another PBX: whatever is taken can be an entry, and can be shown. */
export const incrediblePbx = target({
  name: "incrediblepbx",
  seeds: () => [
    "# ann\n/usr/sbin/iptables -A INPUT -s ann.example.net -p udp -m udp --dport 5060:5069 -j ACCEPT\nip=198.51.100.44\n",
    '*filter\n:INPUT DROP [0:0]\n-A INPUT -s 192.0.2.0/255.255.255.0 -m comment --comment "a b" -j ACCEPT\nCOMMIT\n',
    "[options]\n UseSyslog\n[door]\n sequence = 7000:udp,8000\n seq_timeout = 5\n command = iptables -A INPUT -s %IP% -p tcp --dport 22 -j ACCEPT\n",
    `iptables -A INPUT -s ${"192.0.2.1,".repeat(200)}192.0.2.2 -j ACCEPT\n`,
    `iptables -A INPUT ${'"'.repeat(5_001)} # ${" #".repeat(5_000)}\n`,
    `${" ".repeat(20_000)}x`,
  ],
  words: [
    "-A INPUT",
    "-s",
    "-j ACCEPT",
    "--dport",
    ":",
    ",",
    "/",
    "!",
    '"',
    "#",
    "=",
    "[",
    "]",
    "$",
    "%IP%",
    "\u001b[31m",
  ],
  run: (bytes) => {
    const text = bytes.toString();
    const path = PATHS[bytes.length % PATHS.length] ?? "";
    return takeOver([{ path, text }], { services: SERVICES, only: undefined, wide: false });
  },
  holds: (found) => {
    for (const { what, note } of found.entries) {
      const network = parseNetwork(what);
      assert.ok(network?.ok || parseName(what) === what, what);
      assertPrintable(note ?? "");
    }
    const sequences = found.knockd?.sequences ?? [];
    const commands = newUsers(sequences, undefined, SERVICES);
    for (const command of commands)
      assert.match(command, /^user add [a-z][a-z0-9_-]* --services [a-z,]+( --ttl \w+)?$/);
    for (const line of renderTakeOver(found, commands, null, undefined).split("\n")) assertPrintable(line);
  },
});

/** What an audit from outside is given: a client's file, and what other places saved. */
export const outside = target({
  name: "audit-outside",
  seeds: () => [
    "user='ann'\nsteps='udp/7101 udp/9202 udp/6303'\nprobe='22'\napproval='none'\npending='600'\n",
    '{"host":"h","address":"192.0.2.1","from":"home","at":"2026-08-01T12:00:00Z","steps":[{"step":"closed","result":"pass","what":"x","finding":null}]}',
  ],
  words: ["'", "=", "\n", "user", "steps", "null", "{", "[", '"step"', "closed"],
  run: (bytes) => ({
    client: attempt(() => readClient("x", bytes.toString()), Failure),
    report: attempt(() => decodeReport("x", bytes.toString()), Failure),
  }),
  holds: ({ client, report }) => {
    if (client.ok) assert.ok(["none", "phone", "call"].includes(client.value.approval));
    if (report.ok) assert.ok(report.value.steps.every(({ what }) => what.length <= 1_000));
  },
});
