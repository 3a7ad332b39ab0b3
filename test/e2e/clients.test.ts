import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, test as base, beforeAll, describe, expect, vi } from "vitest";
import { renderClient } from "../../src/shared/clients/render.ts";
import type { ClientView } from "../../src/shared/gate/views.ts";
import { ClientBed, type Heard, STEPS, V4, V6 } from "../helpers/client-bed.ts";
import { CLIENT } from "../helpers/views.ts";

// The bash client against a stand-in for the server, each test in a network (and mount) namespace of its own.

/** Milliseconds after which Linux sends a lost SYN again: whoever is faster did not wait for that. */
const SYN_AGAIN = 1_000;

const root = process.getuid?.() === 0;
let folder = "";

const test = base.extend<{ bed: ClientBed }>({
  bed: async ({ task: _task }, use) => {
    const bed = await ClientBed.open(folder);
    await use(bed);
    await bed.close();
  },
});

/** Writes a client into the folder. @returns its path. */
function client(view: Partial<ClientView> = {}, host = V4): string {
  const file = join(folder, `knock-${Math.random().toString(36).slice(2)}.sh`);
  writeFileSync(file, renderClient({ ...CLIENT, ...view }, host, "sh"), { mode: 0o700 });
  return file;
}

/** A PATH on which only the named programs are found. */
function onlyPrograms(...names: string[]): string {
  const bin = mkdtempSync(join(folder, "bin-"));
  for (const name of names) symlinkSync(`/usr/bin/${name}`, join(bin, name));
  return bin;
}

/** Puts a program of our own first on a PATH. */
function addProgram(bin: string, name: string, text: string): string {
  writeFileSync(join(bin, name), `#!/bin/bash\n${text}\n`);
  chmodSync(join(bin, name), 0o755);
  return bin;
}

const steps = (heard: Heard[]): string[] => heard.flatMap(({ step }) => step ?? []);
/** What each step carried, as text. */
const payloads = (heard: Heard[]): string[] =>
  heard.flatMap(({ step, payload = "" }) => (step ? Buffer.from(payload, "hex").toString("latin1") : []));
const lines = (text: string): number => text.split("\n").filter(Boolean).length;

/** The stand-in's words come by a pipe, so perhaps after the client's end. */
const expectSteps = (heard: Heard[], expected: string[]): Promise<void> =>
  vi.waitFor(() => expect(steps(heard)).toEqual(expected), { timeout: 2_000 });

// at once: mostly they wait, for a door that stays shut
describe.skipIf(!root)("the bash client", { concurrent: true }, () => {
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "knockline-clients-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  // alone: beside others it would be their time that is measured
  describe.sequential("in time", () => {
    test("knocks the three ports in order with one byte each, 20 ms apart, and says that it opened", async ({
      bed,
    }) => {
      const heard = await bed.serve({ shut: "drop" });
      const { code, stdout, stderr, took, pid } = await bed.run([client()]);
      expect(stderr).toBe("");
      expect(stdout).toMatch(/^192\.0\.2\.1 \(192\.0\.2\.1\): open after \d+ ms\n$/);
      expect(code).toBe(0);
      expect(took).toBeLessThan(SYN_AGAIN);
      await expectSteps(heard, STEPS);
      const knocks = heard.filter(({ step }) => step);
      expect(knocks.map(({ payload }) => payload)).toEqual(["00", "00", "00"]);
      const gaps = knocks.slice(1).map(({ at = 0 }, n) => at - (knocks[n]?.at ?? 0));
      for (const gap of gaps) expect(gap).toBeGreaterThan(18);
      await bed.expectNoLeftovers(pid);
    });

    test("finds a silent door that opens late, without waiting for the second packet of the first probe", async ({
      bed,
    }) => {
      await bed.serve({ shut: "drop", after: 100 });
      const { stdout } = await bed.run([client()]);
      expect(Number(/open after (\d+) ms/.exec(stdout)?.[1])).toBeLessThan(450);
    });

    test("knocks at an open door too, to renew it, and says so", async ({ bed }) => {
      const heard = await bed.serve({ open: true });
      const { code, stdout, took } = await bed.run([client()]);
      expect([code, stdout]).toEqual([0, `${V4} (${V4}): was open already; knocked again to renew it\n`]);
      expect(took).toBeLessThan(SYN_AGAIN);
      await expectSteps(heard, STEPS);
      expect(heard.filter(({ entered }) => entered)).toHaveLength(1);
    });

    test("where bash has no /dev/udp, nc knocks and probes, just as fast", async ({ bed }) => {
      const heard = await bed.serve({ shut: "drop" });
      const { code, stdout, stderr, took, pid } = await bed.run([client()], { KNOCK_SEND: "nc" });
      expect([code, stderr, lines(stdout)]).toEqual([0, "", 1]);
      await expectSteps(heard, STEPS);
      expect(heard[0]?.payload).toBe("00");
      expect(took).toBeLessThan(SYN_AGAIN);
      await bed.expectNoLeftovers(pid);
    });

    test("a bash without EPOCHREALTIME asks GNU date", async ({ bed }) => {
      await bed.serve();
      const { stdout } = await bed.run(["bash", "-c", `unset EPOCHREALTIME; . ${client()}`]);
      expect(stdout).toMatch(/open after \d{1,3} ms\n$/);
    });

    test("Ctrl-C ends it at once and leaves no job behind", async ({ bed }) => {
      const heard = await bed.serve({ shut: "drop", ignore: 99 });
      const script = `set -m; ${client()} & sleep 0.5; kill -INT -$!; wait $!; echo "exit $?"`;
      const { stdout, took, pid } = await bed.run(["bash", "-c", script]);
      expect(stdout).toBe("exit 130\n");
      expect(took).toBeLessThan(1_500);
      await expectSteps(heard, STEPS);
      await bed.expectNoLeftovers(pid);
    });
  });

  test("finds a door that refuses until it opens", async ({ bed }) => {
    await bed.serve({ shut: "refuse", after: 200 });
    const { code, stdout, stderr } = await bed.run([client()]);
    expect([code, stderr, lines(stdout)]).toEqual([0, "", 1]);
    expect(Number(/open after (\d+) ms/.exec(stdout)?.[1])).toBeGreaterThanOrEqual(200);
  });

  test("knocks again when the first knock was lost", async ({ bed }) => {
    const heard = await bed.serve({ shut: "drop", ignore: 1 });
    const { code, stdout } = await bed.run([client()]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/open after \d+ ms \(knock 2\)\n$/);
    await expectSteps(heard, [...STEPS, ...STEPS]);
  });

  test.for([
    ["silent", "drop", /tcp\/22 does not answer/],
    ["refusing", "refuse", /tcp\/22 is refused/],
  ] as const)(
    "gives up on a %s door after three knocks, in one line, with exit code 1",
    async ([, shut, why], { bed }) => {
      const heard = await bed.serve({ shut, ignore: 99 });
      const { code, stdout, stderr, took, pid } = await bed.run([client(), "--then", "echo", "in"]);
      expect([code, stdout, lines(stderr)]).toEqual([1, "", 1]);
      expect(stderr).toMatch(/not open after 3 knocks/);
      expect(stderr).toMatch(why);
      await expectSteps(heard, [...STEPS, ...STEPS, ...STEPS]);
      expect(took).toBeLessThan(9_000);
      await bed.expectNoLeftovers(pid);
    },
  );

  test("with only UDP services it sends and says that it cannot be checked", async ({ bed }) => {
    const heard = await bed.serve({ door: undefined });
    const view = { probe: null, services: [{ name: "iax", ports: ["udp/4569"] }] };
    const { code, stdout } = await bed.run([client(view)]);
    expect([code, stdout]).toEqual([0, `${V4} (${V4}): sent; cannot be checked (only UDP services)\n`]);
    await expectSteps(heard, STEPS);
  });

  test("a TCP step is one SYN", async ({ bed }) => {
    const mixed = ["udp/4711", "tcp/29301", "udp/11822"];
    const heard = await bed.serve({ steps: mixed });
    const view = client({
      steps: [
        { proto: "udp", port: 4711 },
        { proto: "tcp", port: 29301 },
        { proto: "udp", port: 11822 },
      ],
    });
    expect((await bed.run([view])).code).toBe(0);
    await expectSteps(heard, mixed);
  });

  test("-q says nothing when all is well, and still says why not", async ({ bed }) => {
    await bed.serve();
    expect(await bed.run([client(), "-q"])).toMatchObject({ code: 0, stdout: "", stderr: "" });
    expect(await bed.run([client({ probe: 23 }), "-q"])).toMatchObject({ code: 1, stdout: "" });
  });

  test("--then hands over to the command: its input, output and exit code, and our line goes to stderr", async ({
    bed,
  }) => {
    await bed.serve();
    const { code, stdout, stderr } = await bed.run(
      [client(), "--then", "sh", "-c", "cat; exit 7"],
      {},
      "passed on",
    );
    expect([code, stdout, lines(stderr)]).toEqual([7, "passed on", 1]);
  });

  describe("with the proof otp", () => {
    const otp = { proof: "otp" as const };

    test("the last step carries the code that KNOCK_OTP_CMD prints, the same in every try", async ({
      bed,
    }) => {
      const heard = await bed.serve({ ignore: 1, shut: "drop" });
      const command = `echo run >>${folder}/runs; echo '012 345'`;
      const { code, stderr } = await bed.run([client(otp)], { KNOCK_OTP_CMD: command });
      expect([code, stderr]).toEqual([0, ""]);
      await expectSteps(heard, [...STEPS, ...STEPS]);
      expect(payloads(heard)).toEqual(["\0", "\0", "012345", "\0", "\0", "012345"]);
      expect(readFileSync(join(folder, "runs"), "utf8")).toBe("run\n");
    });

    test("the command does not read what is meant for --then", async ({ bed }) => {
      await bed.serve();
      const { stdout } = await bed.run(
        [client(otp), "--then", "cat"],
        { KNOCK_OTP_CMD: "cat; echo 012345" },
        "passed on",
      );
      expect(stdout).toBe("passed on");
    });

    test("on a terminal it asks, and asks again for what is no code", async ({ bed }) => {
      const heard = await bed.serve();
      const { code, stdout } = await bed.run(
        ["script", "-qec", client(otp), "/dev/null"],
        {},
        "12345\n123 456\n",
      );
      expect(code).toBe(0);
      expect(stdout).toMatch(/Code of the authenticator app for ann at 192\.0\.2\.1: /);
      expect(stdout).toContain("that is not 6 digits");
      await expectSteps(heard, STEPS);
      expect(payloads(heard)).toEqual(["\0", "\0", "123456"]);
    });

    test.for([
      ["without a terminal", [], {}, 2, /KNOCK_OTP_CMD/],
      [
        "a command that prints no code",
        [],
        { KNOCK_OTP_CMD: "echo no" },
        1,
        /did not print a code of 6 digits/,
      ],
      ["a command that fails", [], { KNOCK_OTP_CMD: "exit 7" }, 1, /failed \(exit code 7\)/],
    ] as const)("%s: one line, nothing sent", async ([, options, env, exit, why], { bed }) => {
      const heard = await bed.serve();
      const { code, stdout, stderr } = await bed.run([client(otp), ...options], env);
      expect([code, stdout, lines(stderr)]).toEqual([exit, "", 1]);
      expect(stderr).toMatch(why);
      expect(heard).toEqual([]);
    });

    test("with -q nobody is asked, terminal or not", async ({ bed }) => {
      const heard = await bed.serve();
      const { code, stdout } = await bed.run(
        ["script", "-qec", `${client(otp)} -q`, "/dev/null"],
        {},
        "123456\n",
      );
      expect(code).toBe(2);
      expect(stdout).toContain("KNOCK_OTP_CMD");
      expect(heard).toEqual([]);
    });

    test("nc carries the code too", async ({ bed }) => {
      const heard = await bed.serve();
      const env = { KNOCK_SEND: "nc", KNOCK_OTP_CMD: "echo 123456" };
      expect((await bed.run([client(otp)], env)).code).toBe(0);
      await vi.waitFor(() => expect(payloads(heard)).toContain("123456"), { timeout: 2_000 });
    });
  });

  describe("with an approval by phone", () => {
    const phone = { approval: "phone" as const };

    test("it sends a code of its own, says what to dial, and waits until the door opens", async ({ bed }) => {
      const heard = await bed.serve({ shut: "drop", after: 2_500 });
      const { code, stdout, stderr, pid } = await bed.run([client(phone)]);
      expect([code, stderr]).toEqual([0, ""]);
      const [, keyed] = /^Dial 864 and key (\d{6})\n.*: open after [1-5] s\n$/.exec(stdout) ?? [stdout];
      await expectSteps(heard, [...STEPS, ...STEPS, ...STEPS]);
      expect(payloads(heard).filter((payload) => payload !== "\0")).toEqual([keyed, keyed, keyed]);
      await bed.expectNoLeftovers(pid);
    });

    test("the code is another one each time, also where there is no od", async ({ bed }) => {
      await bed.serve({ open: true });
      const bin = onlyPrograms("bash", "sleep", "date", "getent");
      const codes = [];
      for (const env of [{}, {}, { PATH: bin }, { PATH: bin }]) {
        codes.push(/key (\d{6})\n/.exec((await bed.run([client(phone)], env)).stdout)?.[1]);
      }
      expect(new Set(codes).size).toBe(4);
      expect(codes).not.toContain(undefined);
    });

    test("with the proof otp the authenticator's code comes first", async ({ bed }) => {
      const heard = await bed.serve({ open: true });
      const { stdout } = await bed.run([client({ ...phone, proof: "otp" })], {
        KNOCK_OTP_CMD: "echo 123456",
      });
      const [, keyed] = /key (\d{6})\n/.exec(stdout) ?? [];
      await expectSteps(heard, [...STEPS, ...STEPS, ...STEPS]);
      expect(payloads(heard)[2]).toBe(`123456 ${keyed}`);
    });

    test("with a call-back it says which code to expect", async ({ bed }) => {
      await bed.serve({ open: true });
      const { stdout } = await bed.run([client({ approval: "call" })]);
      expect(stdout).toMatch(
        /^Your phone will ring; the code it speaks must be \d{6}\n.*: was open already; the call renews it\n$/,
      );
    });

    test("-q still says what to dial, on stderr", async ({ bed }) => {
      await bed.serve({ open: true });
      const { stdout, stderr } = await bed.run([client(phone), "-q"]);
      expect([stdout, stderr]).toEqual(["", expect.stringMatching(/^Dial 864 and key \d{6}\n$/)]);
    });

    test("with only UDP services it says that it cannot see the door", async ({ bed }) => {
      await bed.serve({ door: undefined });
      const { code, stdout } = await bed.run([client({ ...phone, probe: null })]);
      expect(code).toBe(0);
      expect(stdout).toMatch(/^Dial .*\n.*: sent; cannot see the door \(only UDP services\)\n$/);
    });

    test("it gives up when the request is over, without many probes", async ({ bed }) => {
      const heard = await bed.serve({ shut: "refuse", ignore: 99 });
      const { code, stderr, took, pid } = await bed.run([client({ ...phone, pending: 4 })]);
      expect([code, lines(stderr)]).toEqual([1, 1]);
      expect(stderr).toMatch(/not open after 4 s: the request is over/);
      expect(took).toBeGreaterThan(4_000);
      await expectSteps(heard, [...STEPS, ...STEPS, ...STEPS]);
      await bed.expectNoLeftovers(pid);
    });
  });

  describe("addresses", () => {
    test("a name is resolved once, to one address, and the knocks and probes go there", async ({ bed }) => {
      const heard = await bed.serve();
      expect((await bed.run([client({}, "both")])).stdout).toContain(`both (${V6}): open`);
      expect(new Set(heard.map(({ from, entered }) => from ?? entered))).toEqual(new Set([V6]));
    });

    test.for([
      ["-4", V4],
      ["-6", V6],
    ] as const)("%s keeps to that family", async ([option, address], { bed }) => {
      const heard = await bed.serve();
      expect((await bed.run([client({}, "both"), option])).stdout).toContain(`both (${address}): open`);
      expect(new Set(heard.map(({ from, entered }) => from ?? entered))).toEqual(new Set([address]));
    });

    test("an address without a route is passed over", async ({ bed }) => {
      await bed.serve();
      expect((await bed.run([client({}, "unrouted")])).stdout).toContain(`unrouted (${V4}): open`);
    });

    test("the first argument goes before KNOCK_HOST, and that before the host in the file", async ({
      bed,
    }) => {
      await bed.serve();
      const file = client({}, "nowhere.invalid");
      expect((await bed.run([file], { KNOCK_HOST: "four" })).stdout).toContain("four (");
      expect((await bed.run([file, V4], { KNOCK_HOST: "nowhere.invalid" })).stdout).toContain(`${V4} (`);
    });

    test.for([
      [["nowhere.invalid"], /no address found for nowhere\.invalid/],
      [["-6", "four"], /no IPv6 address found for four/],
      [["203.0.113.9"], /no way to 203\.0\.113\.9/],
    ] as const)("%j cannot be reached: one line, exit code 1", async ([args, why], { bed }) => {
      const { code, stdout, stderr } = await bed.run([client(), ...args]);
      expect([code, stdout, lines(stderr)]).toEqual([1, "", 1]);
      expect(stderr).toMatch(why);
    });

    test("macOS's dscacheutil is asked where there is no getent", async ({ bed }) => {
      await bed.serve();
      const answer = `[ "$*" = "-q host -a name pbx" ] && printf 'name: pbx\\nip_address: ${V4}\\n\\nname: pbx\\nipv6_address: ${V6}\\n'`;
      const bin = addProgram(onlyPrograms("bash", "sleep", "date"), "dscacheutil", answer);
      expect((await bed.run([client(), "pbx"], { PATH: bin })).stdout).toContain(`pbx (${V6}): open`);
      expect((await bed.run([client(), "-4", "pbx"], { PATH: bin })).stdout).toContain(`pbx (${V4}): `);
    });

    test("without either program the name is left to bash", async ({ bed }) => {
      await bed.serve();
      const bin = onlyPrograms("bash", "sleep", "date");
      expect((await bed.run([client(), "four"], { PATH: bin })).stdout).toContain("four (four): open");
    });
  });

  describe("on other systems", () => {
    test("nc sends also where nothing can be probed", async ({ bed }) => {
      const heard = await bed.serve({ door: undefined });
      expect((await bed.run([client({ probe: null })], { KNOCK_SEND: "nc" })).code).toBe(0);
      await expectSteps(heard, STEPS);
    });

    test("with neither it says what to install", async ({ bed }) => {
      const { code, stderr } = await bed.run([client()], {
        KNOCK_SEND: "nc",
        PATH: onlyPrograms("bash", "sleep", "date"),
      });
      expect([code, lines(stderr)]).toEqual([1, 1]);
      expect(stderr).toContain("install netcat");
    });

    test("without a clock of milliseconds (bash 3.2 with BSD date) it tells seconds", async ({ bed }) => {
      await bed.serve();
      const bin = addProgram(onlyPrograms("bash", "sleep", "getent"), "date", "echo 1767225600N");
      const oldBash = `unset EPOCHREALTIME; . ${client()}`;
      const { code, stdout } = await bed.run(["bash", "-c", oldBash], { PATH: bin, BASH_COMPAT: "3.2" });
      expect([code, stdout]).toEqual([0, `${V4} (${V4}): open after about 1 s\n`]);
    });

    test("a read-only machine with nothing to write to is enough", async ({ bed }) => {
      await bed.serve();
      const script = `mount -o remount,ro / 2>/dev/null || mount -o bind,ro / /mnt; cd /; TMPDIR=/nowhere exec ${client()}`;
      expect((await bed.run(["unshare", "-m", "sh", "-c", script])).code).toBe(0);
    });
  });

  describe.skipIf(!existsSync("/usr/sbin/sshd"))("with OpenSSH", () => {
    /** Logs in with a snippet of docs/clients.md; the door is a real sshd. */
    async function logIn(bed: ClientBed, snippet: string) {
      const home = mkdtempSync(join(folder, "ssh-"));
      for (const key of ["host", "user"]) {
        await bed.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", join(home, key)]);
      }
      writeFileSync(
        join(home, "sshd_config"),
        `HostKey ${home}/host\nAuthorizedKeysFile ${home}/user.pub\nStrictModes no\nPermitRootLogin yes\nUsePAM no\n`,
      );
      writeFileSync(
        join(home, "ssh_config"),
        `${snippet}\nHost *\n  User root\n  IdentityFile ${home}/user\n  BatchMode yes\n  LogLevel ERROR\n` +
          "  StrictHostKeyChecking no\n  UserKnownHostsFile /dev/null\n",
      );
      mkdirSync("/run/sshd", { recursive: true });
      const heard = await bed.serve({ sshd: join(home, "sshd_config"), shut: "drop" });
      const { stdout, stderr, code } = await bed.run([
        "ssh",
        "-F",
        join(home, "ssh_config"),
        "pbx",
        "echo inside",
      ]);
      await expectSteps(heard, STEPS);
      return { stdout, stderr, code };
    }

    test("Match exec knocks before ssh connects", async ({ bed }) => {
      const snippet = `Match originalhost pbx exec "${client()} -q"\nHost pbx\n  HostName ${V4}`;
      expect(await logIn(bed, snippet)).toEqual({ stdout: "inside\n", stderr: "", code: 0 });
    });

    test("ProxyCommand knocks and hands the connection over, untouched", async ({ bed }) => {
      const snippet = `Host pbx\n  HostName ${V4}\n  ProxyCommand ${client()} -q %h --then nc %h %p`;
      expect(await logIn(bed, snippet)).toEqual({ stdout: "inside\n", stderr: "", code: 0 });
    });
  });

  describe("the lines of the text format", () => {
    const text = renderClient(CLIENT, V4, "text");

    const programs: [string, RegExp][] = [
      ["knock", /^ {2}(knock .*)$/m],
      ["bash", /^ {2}(for .*\/dev\/udp.*)$/m],
      ["nc", /^ {2}(for .*nc -u.*)$/m],
      ["nmap", /^ {2}(for .*nmap.*)$/m],
    ];
    for (const [program, wanted] of programs) {
      test.skipIf(!existsSync(`/usr/bin/${program}`))(
        `${program} knocks the ports in order`,
        async ({ bed }) => {
          const heard = await bed.serve();
          expect((await bed.run(["bash", "-c", wanted.exec(text)?.[1] ?? "false"])).code).toBe(0);
          await expectSteps(heard, STEPS);
        },
      );
    }

    const codes = renderClient({ ...CLIENT, proof: "otp", approval: "phone" }, V4, "text");
    const coded: [string, RegExp][] = [
      ["bash", /^ {2}(for .*\/dev\/udp\S*) +# bash$/m],
      ["nc", /^ {2}(for .*nc -u.*)$/m],
      ["nmap", /^ {2}(for .*nmap.*)$/m],
    ];
    for (const [program, wanted] of coded) {
      test.skipIf(!existsSync(`/usr/bin/${program}`))(`${program} carries the codes`, async ({ bed }) => {
        const heard = await bed.serve();
        const line = `otp=123456; code=482193; ${wanted.exec(codes)?.[1] ?? "false"}`;
        expect((await bed.run(["bash", "-c", line])).code).toBe(0);
        await expectSteps(heard, STEPS);
        expect(payloads(heard).at(-1)?.trim()).toBe("123456 482193");
      });
    }

    test("the last one tells whether the door is open", async ({ bed }) => {
      const line = /^ {2}(nc -z .*)$/m.exec(text)?.[1] ?? "false";
      expect((await bed.run(["bash", "-c", line])).code).toBe(1);
      await bed.serve({ open: true });
      expect((await bed.run(["bash", "-c", line])).stdout).toBe("open\n");
    });
  });

  test.for([[["--bogus"]], [["--then"]], [["one", "two"]], [["pbx:22"]], [["-4x"]], [["a b"]], [["$(id)"]]])(
    "%j is wrong usage: one line, exit code 2, nothing sent",
    async ([args = []], { bed }) => {
      const heard = await bed.serve();
      const { code, stdout, stderr } = await bed.run([client(), ...args]);
      expect([code, stdout, lines(stderr)]).toEqual([2, "", 1]);
      expect(stderr).toMatch(/--help$/m);
      expect(heard).toEqual([]);
    },
  );

  test("--help and --version tell for whom it is, without the secret ports", async ({ bed }) => {
    const help = await bed.run([client(), "--help"]);
    expect([help.code, help.stderr]).toEqual([0, ""]);
    expect(help.stdout).toContain("--then ssh");
    const version = await bed.run([client(), "--version"]);
    expect(version.stdout).toBe("knockline client 1 for ann at pbx.example.com-k3v9x2qa\n");
    for (const step of STEPS) expect(help.stdout + version.stdout).not.toContain(step.slice(4));
  });
});
