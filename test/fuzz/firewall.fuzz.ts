import { strict as assert } from "node:assert";
import { seconds } from "../../src/shared/duration.ts";
import { changesProblem } from "../../src/shared/firewall/changes.ts";
import { readListing } from "../../src/shared/firewall/listing.ts";
import { readMonitorLine } from "../../src/shared/firewall/monitor-line.ts";
import { changeRequest, elementsIn } from "../../src/shared/firewall/netlink/elements.ts";
import { messagesIn, WireError } from "../../src/shared/firewall/netlink/wire.ts";
import { attempt, target } from "./target.ts";

const LISTING = `table inet knockline {
	comment "knockline /srv/pbx"
	counter k_scanner {
		packets 12 bytes 480
	}
	set ssh4 {
		type ipv4_addr
		size 65536
		flags timeout
	}
	chain input {
		type filter hook input priority -10; policy accept;
		tcp dport 22 counter packets 3 bytes 180 drop
	}
}
table inet other {
	comment "}"
}
`;

export const monitor = target({
  name: "nft-monitor",
  seeds: () => [
    'add element inet knockline ssh4 { 192.0.2.1 timeout 1h comment "ann g1" }',
    "delete table inet knockline",
    "# new generation 9 by process 4711 (nft)",
    "add rule ip filter INPUT accept",
    "# ERROR: netlink: No buffer space available",
  ],
  words: ["inet knockline", "add ", "\t", "# ", "lost", "overrun"],
  run: (bytes) => bytes.toString().split("\n").map(readMonitorLine),
  holds: (lines) => {
    for (const line of lines) assert.match(line, /^(ours|generation|lost|other)$/);
  },
});

export const listing = target({
  name: "nft-listing",
  seeds: () => [LISTING, LISTING.slice(LISTING.indexOf("table inet other"))],
  words: [
    "table inet knockline {\n",
    "}\n",
    "\tset ",
    " {\n",
    '\tcomment "',
    "\tcounter k_rate {\n\t\tpackets ",
  ],
  run: (bytes) => readListing(bytes.toString()),
  holds: (table) => {
    if (table === undefined) return;
    assert.ok(Object.values(table.drops).every((count) => count >= 0));
    assert.deepEqual(readListing(`${table.fingerprint}\n}\n`)?.names, table.names);
  },
});

/** A listing as the kernel sends one: what we write has the same form. */
const ELEMENTS = [
  { op: "put", set: "ssh4", key: "192.0.2.1", ttl: seconds(60), comment: "ann g1" },
  { op: "put", set: "adopted4", key: "192.0.2.1 . 4711 . 22", ttl: seconds(5) },
] as const;

export const elements = target({
  name: "netlink-elements",
  seeds: () =>
    ELEMENTS.map((change) =>
      Buffer.from(changeRequest([change], { late: seconds(0), areNew: false }, 7).bytes),
    ),
  words: ["\x0c\x00\x01\x80", "\x08\x00\x01\x00", "\x00\x00", "\xff\xff", "knockline\0"],
  run: (bytes) =>
    attempt(
      () =>
        messagesIn(bytes).flatMap((message) => [
          ...elementsIn(message, "ssh4", 7),
          ...elementsIn(message, "adopted4", (7 * 64 + 13) * 64 + 13),
        ]),
      WireError,
    ),
  holds: (read) => {
    if (!read.ok) return;
    for (const { set, key, ttl } of read.value) {
      assert.equal(ttl >= 0, true);
      assert.equal(changesProblem([{ op: "drop", set, key }]), undefined);
    }
  },
});
