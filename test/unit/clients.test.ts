import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import powershell from "../../clients/knock.ps1";
import bash from "../../clients/knock.sh";
import { CLIENT_FORMATS, hostOfServer, renderClient } from "../../src/shared/clients/render.ts";
import type { ClientView } from "../../src/shared/gate/views.ts";
import { CLIENT } from "../helpers/views.ts";

const VIEW: ClientView = {
  ...CLIENT,
  services: [
    { name: "ssh", ports: ["tcp/22"] },
    { name: "sip", ports: ["udp/5060", "tcp/5060-5061"] },
  ],
};

const HOST = "pbx.example.com";

describe("a rendered client", () => {
  test("bash: the block of assignments holds the user's values", () => {
    expect(filledIn(renderClient(VIEW, HOST, "sh"))).toEqual([
      "host='pbx.example.com'",
      "server='pbx.example.com-k3v9x2qa'",
      "user='ann'",
      "steps='udp/4711 udp/29301 udp/11822'",
      "probe='22'",
      "services='ssh: tcp/22, sip: udp/5060 tcp/5060-5061'",
      "proof='none'",
      "approval='none'",
      "dial='864'",
      "pending='600'",
    ]);
  });

  test("PowerShell: the block of assignments holds the user's values", () => {
    expect(filledIn(renderClient(VIEW, HOST, "ps1"))).toEqual([
      "$MadeFor = 'pbx.example.com'",
      "$Server = 'pbx.example.com-k3v9x2qa'",
      "$User = 'ann'",
      "$Steps = 'udp/4711 udp/29301 udp/11822'",
      "$Probe = '22'",
      "$Services = 'ssh: tcp/22, sip: udp/5060 tcp/5060-5061'",
      "$Proof = 'none'",
      "$Approval = 'none'",
      "$Dial = '864'",
      "$Pending = '600'",
    ]);
  });

  test("text: the settings for other programs", () => {
    expect(renderClient(VIEW, HOST, "text")).toMatchInlineSnapshot(`
      "Knocking as ann at pbx.example.com-k3v9x2qa. Secret: whoever has these ports can open the door.

      host     pbx.example.com
      ports    4711 (UDP), then 29301 (UDP), then 11822 (UDP)
      time     all 3 within 30 s, in this order; 20 ms or more between them
      content  anything; one byte will do

      A knock opens, for the address it comes from:
        ssh            tcp/22
        sip            udp/5060 tcp/5060-5061

      Phone, Android: the app "Knock on Ports"
        Name                        ann
        Host                        pbx.example.com
        Sequence step 1             UDP, Port 4711
        Sequence step 2             UDP, Port 29301
        Sequence step 3             UDP, Port 11822
        Delay between packets (ms)  100
        IP version                  prefer IPv4 (the one your SIP or SSH app uses; not both)
        Launch app after knocking   your SIP or SSH app
      Any other app will do that sends to these ports in this order: JuiceSSH's plugin, Termux with the lines below.

      Computer: any one of these (nmap: as root)
        knock -d 20 pbx.example.com 4711:udp 29301:udp 11822:udp
        for p in 4711 29301 11822; do echo >/dev/udp/pbx.example.com/$p; sleep 0.1; done    # bash
        for p in 4711 29301 11822; do echo | nc -u -w1 pbx.example.com $p; done
        for p in 4711 29301 11822; do nmap -n -Pn -sU --data-length 1 --max-retries 0 -p $p pbx.example.com; done

      Open? Then this says so at once:
        nc -z -w2 pbx.example.com 22 && echo open
      "
    `);
  });

  test("text: IPv6, TCP steps and services without TCP are told apart", () => {
    const steps: ClientView["steps"] = [
      { proto: "udp", port: 4711 },
      { proto: "tcp", port: 29301 },
      { proto: "udp", port: 11822 },
    ];
    const services = [{ name: "iax", ports: ["udp/4569"] }];
    expect(
      renderClient({ ...VIEW, steps, services, probe: null }, "2001:db8::1", "text"),
    ).toMatchInlineSnapshot(`
      "Knocking as ann at pbx.example.com-k3v9x2qa. Secret: whoever has these ports can open the door.

      host     2001:db8::1
      ports    4711 (UDP), then 29301 (TCP), then 11822 (UDP)
      time     all 3 within 30 s, in this order; 20 ms or more between them
      content  anything; one byte will do

      A knock opens, for the address it comes from:
        iax            udp/4569

      Phone, Android: the app "Knock on Ports"
        Name                        ann
        Host                        2001:db8::1
        Sequence step 1             UDP, Port 4711
        Sequence step 2             TCP, Port 29301
        Sequence step 3             UDP, Port 11822
        Delay between packets (ms)  100
        IP version                  prefer IPv4 (the one your SIP or SSH app uses; not both)
        Launch app after knocking   your SIP or SSH app
      Any other app will do that sends to these ports in this order: JuiceSSH's plugin, Termux with the lines below.

      Computer: any one of these (nmap: as root)
        knock -d 20 2001:db8::1 4711:udp 29301:tcp 11822:udp
        echo | nc -u -w1 2001:db8::1 4711; nc -z -w1 2001:db8::1 29301; echo | nc -u -w1 2001:db8::1 11822
        nmap -6 -n -Pn -sU --data-length 1 --max-retries 0 -p 4711 2001:db8::1; nmap -6 -n -Pn -sS --max-retries 0 -p 29301 2001:db8::1; nmap -6 -n -Pn -sU --data-length 1 --max-retries 0 -p 11822 2001:db8::1

      Nothing of it is TCP, so no program can tell whether the door opened: try the service itself.
      "
    `);
  });

  test("text: a code of the authenticator app goes with the last step", () => {
    const text = renderClient({ ...VIEW, proof: "otp" }, HOST, "text");
    expect(text.slice(text.indexOf("content"), text.indexOf("\n\nA knock"))).toMatchInlineSnapshot(
      `"content  of the last step: the 6 digits of the authenticator app; of the others anything"`,
    );
    expect(text.slice(text.indexOf("Computer"), text.indexOf("\n\nOpen?"))).toMatchInlineSnapshot(`
      "Computer: set in the shell
        otp=123456    # the app shows it; or: otp=$(oathtool --totp -b SECRET)
      and then any one of these (nmap: as root)
        for p in 4711 29301; do echo >/dev/udp/pbx.example.com/$p; sleep 0.1; done; echo "$otp" >/dev/udp/pbx.example.com/11822    # bash
        for p in 4711 29301; do echo | nc -u -w1 pbx.example.com $p; done; echo "$otp" | nc -u -w1 pbx.example.com 11822
        for p in 4711 29301; do nmap -n -Pn -sU --data-length 1 --max-retries 0 -p $p pbx.example.com; done; nmap -n -Pn -sU --data-string "$otp" --max-retries 0 -p 11822 pbx.example.com"
    `);
    expect(text).toMatch(/^ {2}Data of step 3 /m);
  });

  test("text: with an approval the code of the call goes too, and what to do then is said", () => {
    const phone = renderClient({ ...VIEW, proof: "otp", approval: "phone" }, HOST, "text");
    expect(phone).toContain("\nThen, within 10m: dial 864, key your PIN, and the code that you sent");
    expect(phone).toContain('echo "$otp $code" >/dev/udp/pbx.example.com/11822');
    const call = renderClient({ ...VIEW, approval: "call" }, HOST, "text");
    expect(call).toContain("\nThen your phone rings: it speaks the code that you sent.");
    expect(call).toContain('echo "$code" | nc -u -w1 pbx.example.com 11822');
    expect(call).not.toContain("oathtool");
  });

  test.each(CLIENT_FORMATS)("%s: no placeholder is left, and it is plain ASCII", (format) => {
    const text = renderClient(VIEW, HOST, format);
    expect(text).not.toMatch(/@[A-Z]+@/);
    // Windows PowerShell 5 reads a file without a byte order mark in the machine's old code page
    expect(text).toMatch(/^[\n -~]*\n$/);
  });

  test.each(["sh", "ps1"] as const)("%s: without a TCP service the probe is empty", (format) => {
    const text = renderClient({ ...VIEW, probe: null }, HOST, format);
    expect(filledIn(text).find((line) => /^\$?probe/i.test(line))).toMatch(/= ?''$/);
  });

  test.each(["a-b.example", "192.0.2.1", "2001:db8::1", "xn--bcher-kva.example", "_under.score", "host"])(
    "takes the host %s",
    (host) => {
      expect(renderClient(VIEW, host, "sh")).toContain(`\nhost='${host}' `);
    },
  );

  test.each([
    "",
    " ",
    "a b",
    "a'b",
    'a"b',
    "a$b",
    "a`b",
    "a\nb",
    "a;b",
    "-a",
    "a-",
    "a..b",
    "a/b",
    "pbx:22",
    "[::1]",
    "fe80::1%eth0",
    "192.0.2",
    "192.0.2.300",
    "é.example",
    "x".repeat(64),
    `${"a.".repeat(127)}aa`,
  ])("refuses the host %j", (host) => {
    for (const format of CLIENT_FORMATS) {
      expect(() => renderClient(VIEW, host, format)).toThrow(expect.objectContaining({ code: "usage" }));
    }
  });

  test.each([
    ["server", { server: "pbx'; id; '" }],
    ["server", { server: "pbx\nid" }],
    ["server", { server: "#>" }],
    ["user", { user: "ann'" }],
    ["user", { user: "Ann" }],
    ["step", { steps: [{ proto: "udp" as const, port: 65_536 }] }],
    ["step", { steps: [{ proto: "udp' " as "udp", port: 1 }] }],
    ["sequence", { steps: [] }],
    ["probe", { probe: 1.5 }],
    ["service", { services: [{ name: "a b", ports: [] }] }],
    ["port", { services: [{ name: "ssh", ports: ["tcp/22'"] }] }],
    ["extension", { extension: "864'; id; '" }],
    ["time", { pending: 0.5 }],
  ])("refuses a %s that could break out of its quotes: %j", (_, wrong) => {
    for (const format of CLIENT_FORMATS) {
      expect(() => renderClient({ ...VIEW, ...wrong }, HOST, format)).toThrow(
        expect.objectContaining({ code: "broken" }),
      );
    }
  });

  test("PowerShell: refuses the proof ssh, and says what to do instead", () => {
    expect(() => renderClient({ ...VIEW, proof: "ssh" }, HOST, "ps1")).toThrow(
      expect.objectContaining({ code: "refused", cure: expect.stringContaining("--format sh") }),
    );
  });

  test("text: how to sign a knock is told with the user's values", () => {
    const text = renderClient({ ...VIEW, proof: "ssh", approval: "phone" }, HOST, "text");
    expect(text.slice(text.indexOf("content"), text.indexOf("\n\nA knock"))).toMatchInlineSnapshot(
      `"content  of the last step: a line signed with the SSH key, as below; of the others anything"`,
    );
    expect(text.slice(text.indexOf("Phone"), text.indexOf("\n\nOpen?"))).toMatchInlineSnapshot(`
      "Phone, Android: no app can sign; Termux (pkg install openssh) with the lines below.

      Computer: bash and OpenSSH 8.2 or newer (key: the .pub file will do where an agent has the key)
        key=~/.ssh/id_ed25519
        code=482193   # another one each time
        nonce=$(head -c 16 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\\r\\n')
        msg="KL1 pbx.example.com-k3v9x2qa ann $(date +%s) $nonce - - $code"
        sig=$(printf %s "$msg" | ssh-keygen -q -Y sign -f "$key" -n knock@knockline | sed '/^-----/d' | tr -d '\\r\\n')
        for p in 4711 29301; do echo >/dev/udp/pbx.example.com/$p; sleep 0.1; done
        printf %s "$msg $sig" >/dev/udp/pbx.example.com/11822"
    `);
    expect(renderClient({ ...VIEW, proof: "ssh" }, HOST, "text")).toContain('$nonce - - -"');
  });
});

describe("the bash template", () => {
  test("is bash", () => {
    const { status, stderr } = spawnSync("bash", ["-n"], {
      input: renderClient(VIEW, HOST, "sh"),
      encoding: "utf8",
    });
    expect([status, stderr]).toEqual([0, ""]);
  });

  const hasShellcheck = spawnSync("shellcheck", ["--version"]).status === 0;
  test.skipIf(!hasShellcheck)("passes shellcheck, also when filled in", () => {
    for (const input of [bash, renderClient(VIEW, HOST, "sh")]) {
      expect(spawnSync("shellcheck", ["-s", "bash", "-"], { input, encoding: "utf8" }).stdout).toBe("");
    }
  });

  // macOS still ships bash 3.2; there is none to be had here, so what came later is looked for by name
  test.each([
    ["case modification", /\$\{\w+[,^]/],
    ["associative arrays, namerefs", /\b(declare|local|typeset) -\w*[AnlugI]/],
    ["mapfile, readarray, coproc", /\b(mapfile|readarray|coproc)\b/],
    ["wait -n, wait -p", /\bwait -[np]/],
    ["negative substrings", /\$\{\w+:[^}]*:\s*-/],
    ["operators of parameters (bash 4.4)", /\$\{\w+@/],
    ["printf of times", /%\(/],
    ["fractions of a second in read", /\bread\b[^|;]*-t/],
    ["&>> and |&", /&>>|\|&/],
    ["fall-through in case", /;;?&/],
    ["descriptors in variables", /\{\w+\}[<>]/],
    ["[[ -v ]]", /-v\b.*\]\]/],
    ["EPOCHREALTIME without a guard", /\$\{?EPOCH(REALTIME|SECONDS)(?!-)/],
    ["here-documents and here-strings (temporary files)", /<<[<-]?\s*["'\w$]/],
    ["timeout", /\btimeout\b/],
  ])("has nothing newer than bash 3.2: %s", (_, newer) => {
    const code = bash.split("\n").filter((line) => !/^\s*#/.test(line));
    expect(code.filter((line) => newer.test(line))).toEqual([]);
  });
});

test("the PowerShell template closes what it opens", () => {
  const code = powershell
    .replace(/<#[\s\S]*?#>/g, "")
    .replace(/#.*$/gm, "")
    .replace(/'[^'\n]*'/g, "");
  for (const [open, close] of ["{}", "()", "[]"].map((pair) => pair.split(""))) {
    expect(code.split(open as string)).toHaveLength(code.split(close as string).length);
  }
});

test("a server's name ends in eight random characters, which are no part of its host", () => {
  expect(hostOfServer("pbx.example.com-k3v9x2qa")).toBe("pbx.example.com");
  expect(hostOfServer("my-pbx-k3v9x2qa")).toBe("my-pbx");
  expect(hostOfServer("pbx.example.com")).toBe("pbx.example.com");
});

/** The assignments between the two rules of a client, without their comments. */
function filledIn(client: string): string[] {
  const block = /^# -{4} filled in by knockctl -+\n([\s\S]*?)^# -{20,}$/m.exec(client)?.[1] ?? "";
  return block
    .trimEnd()
    .split("\n")
    .map((line) => line.replace(/\s+#.*$/, ""));
}
