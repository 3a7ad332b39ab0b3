import { strict as assert } from "node:assert";
import { FirewallError } from "../../src/shared/firewall/firewall.ts";
import { readListing } from "../../src/shared/firewall/listing.ts";
import { readMonitorLine } from "../../src/shared/firewall/monitor-line.ts";
import { readSets } from "../../src/shared/firewall/set-json.ts";
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

const SETS = [
  '{"nftables":[{"metainfo":{"json_schema_version":1}},{"set":{"name":"ssh4","elem":[{"elem":{"val":"192.0.2.1","timeout":60,"expires":59,"comment":"ann g1"}}]}}]}',
  '{"nftables":[{"set":{"name":"adopted4","elem":[{"concat":["192.0.2.1",4711,22]},{"prefix":{"addr":"2001:db8::","len":64}},{"range":["192.0.2.1","192.0.2.9"]},"::1.2.3.4"]}}]}\n{"nftables":[{"set":{"name":"empty"}}]}',
];

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

export const sets = target({
  name: "nft-sets",
  seeds: () => SETS,
  words: ['"', ":", ",", "{", "}", "[", "]", "null", '"elem"', '"val"', '"__proto__"', "expires"],
  run: (bytes) => attempt(() => readSets(bytes.toString()), FirewallError),
  holds: (read) => {
    if (read.ok)
      for (const { set, key, ttl } of read.value)
        assert.deepEqual([typeof set, typeof key, ttl >= 0], ["string", "string", true]);
  },
});
