import { strict as assert } from "node:assert";
import { isServiceName } from "../../src/shared/firewall/policy.ts";
import { parseToml } from "../../src/shared/settings/adapters/toml.ts";
import { decodeSettings } from "../../src/shared/settings/decode/settings.ts";
import { formatProblem, SettingsError } from "../../src/shared/settings/problem.ts";
import { settingsToml } from "../../src/shared/settings/template.ts";
import { assertPrintable, attempt, target } from "./target.ts";

const FILE = "/srv/pbx/knockline.toml";

const small = [
  '[services.ssh]\nports = ["tcp/22"]\n[services.sip]\nports = ["udp/5060", "tcp/5060-5061"]\nreplies = true\n',
  '[firewall]\nguard = "everything"\nmark = "0x00000001"\npublic = ["tcp/443"]\ntrusted_interfaces = ["tun*"]\n',
  '[knock]\nports = "2000-32767"\nlisten = ["0.0.0.0", "::"]\ndecoys = 61\nwindow = "1m30s"\n',
  '[paths]\nstate = "state"\n[phone]\nenabled = true\nurl = "http://127.0.0.1:8088"\n',
  'acess = { ttl = "1h" }\nservices.x.port = 1\nserver.name = 1979-05-27T07:32:00Z\n',
  `a = ${"[".repeat(3_000)}`,
  `a = ${"{a=".repeat(3_000)}`,
  `${"a.".repeat(3_000)}a = 1`,
];

export const settings = target({
  name: "settings",
  seeds: () => [settingsToml("pbx.example.com-k3v9x2qa"), ...small],
  words: [
    "=",
    "[",
    "]",
    "{",
    "}",
    ".",
    "\n",
    '"',
    '"""',
    "'''",
    "__proto__",
    "services",
    "inf",
    "nan",
    "0x",
    "-",
  ],
  run: (bytes) => attempt(() => decodeSettings(parseToml(bytes.toString(), FILE), FILE), SettingsError),
  holds: (read) => {
    if (!read.ok) return assertPrintable(read.error.message);
    if (!read.value.ok) {
      for (const problem of read.value.errors) assertPrintable(formatProblem(problem));
      return assert.notEqual(read.value.errors.length, 0);
    }
    const { settings } = read.value;
    for (const { name, ports } of settings.policy.services)
      assert.ok(isServiceName(name) && ports.length > 0);
    for (const name of settings.policy.trustedInterfaces) assert.match(name, /^[A-Za-z0-9_.:-]+\*?$/);
    assert.ok(Object.values(settings.paths).every((path) => path.startsWith("/")));
  },
});
