import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { COMMANDS, TOPICS } from "../../src/knockctl/catalogue/all.ts";
import { EXIT } from "../../src/knockctl/failure.ts";
import { manualPage } from "../../src/knockctl/manual/page.ts";
import { DENIALS } from "../../src/shared/access/denial.ts";
import { DAEMON_EXIT, DAEMONS, daemonHelp, KNOCKD, PHONE_AUTH } from "../../src/shared/host/daemon.ts";
import { KNOWN_KEYS, SERVICE_KEYS } from "../../src/shared/settings/decode/sections.ts";
import { settingsToml } from "../../src/shared/settings/template.ts";

const folder = new URL("../../docs/man/", import.meta.url);
const sources = Object.fromEntries(
  readdirSync(folder).map((name) => [name.replace(/\.in$/, ""), readFileSync(new URL(name, folder), "utf8")]),
);

/** @returns a page as text: macros stay, escapes of hyphens and quotes are undone */
function page(name: string): string {
  return manualPage(sources[name] ?? "")
    .replace(/\\-/g, "-")
    .replace(/\\\(dq/g, '"');
}

/** @returns what is between a heading and the next of its kind */
function section(text: string, heading: string, macro = "Sh"): string {
  const [, after = ""] = text.split(`\n.${macro} ${heading}\n`);
  return after.split(`\n.${macro} `)[0] ?? "";
}

/** @returns the options that a text names in headings of items: `--ttl`, `-w` */
const optionsIn = (text: string): string[] =>
  [...text.matchAll(/^\.It Fl .*$/gm)].flatMap(([line]) =>
    [...line.matchAll(/Fl (\S+)/g)].map(([, name]) => `-${name}`),
  );

const flagNames = (flags: string): string[] => flags.match(/(?<![\w-])--?[a-z-]*[a-z]/g) ?? [];

describe("knockctl(8)", () => {
  const text = page("knockctl.8");
  const entries = section(text, "COMMANDS")
    .split(/^\.It Ic /m)
    .slice(1);

  test("has every command under its topic, and no other", () => {
    const told = section(text, "COMMANDS")
      .split(/^\.Ss /m)
      .slice(1)
      .map((topic) => [
        topic.split("\n")[0],
        [...topic.matchAll(/^\.It Ic ((?:[a-z]+ ?)+?)(?: (?:Ar|Op) .*)?$/gm)].map(([, name]) => name),
      ]);
    expect(told).toEqual(TOPICS.map(({ title, commands }) => [title, commands.map(({ name }) => name)]));
  });

  test("has every command's arguments, options and examples, and no others", () => {
    COMMANDS.forEach(({ name, args = [], flags = [], examples }, i) => {
      const entry = entries[i] ?? "";
      const [heading = ""] = entry.split("\n");
      expect((heading.match(/\bAr /g) ?? []).length, name).toBe(args.length);
      expect(optionsIn(entry), name).toEqual(flags.flatMap((flag) => flagNames(flag.flags)));
      expect(entry.match(/^knockctl .*$/gm), name).toEqual(examples.map((line) => `knockctl ${line}`));
    });
  });

  test("has every exit code", () => {
    const told = [...section(text, "EXIT STATUS").matchAll(/^\.It (\d+)$/gm)].map(([, code]) => Number(code));
    expect(told).toEqual(Object.values(EXIT));
  });
});

describe("knockline.toml(5)", () => {
  const sections = section(page("knockline.toml.5"), "SETTINGS")
    .split(/^\.Ss /m)
    .slice(1);
  const told = sections.flatMap((part) => {
    const [, name = ""] = /^\[(\S+)\]/.exec(part) ?? [];
    return [...part.matchAll(/^\.It Cm "?([a-z0-9_]+) = (.*?)"?$/gm)].map(
      ([, key, value]) => [`${name}.${key}`, value] as const,
    );
  });
  const ours = told.filter(([key]) => !key.startsWith("services."));

  test("has every setting, and no other", () => {
    expect(ours.map(([key]) => key).sort()).toEqual([...KNOWN_KEYS].sort());
    const keys = told.filter(([key]) => key.startsWith("services.")).map(([key]) => key.split(".")[2]);
    expect([...new Set(keys)].sort()).toEqual([...SERVICE_KEYS].sort());
  });

  test("has each with its default, as init writes it, and says what it is for", () => {
    const template = settingsToml("pbx.example.com-k3v9x2qa");
    for (const [key, value] of told) expect(template, key).toContain(`${key.split(".").at(-1)} = ${value}`);
    for (const part of sections) {
      const last = part.split("\n.El")[0]?.split("\n").at(-1) ?? "";
      if (!last.includes("ports = ")) expect(last, part).not.toMatch(/^\.It/);
    }
  });
});

describe.each([
  ["knockline-knockd.8", KNOCKD],
  ["knockline-phone-auth.8", PHONE_AUTH],
] as const)("%s", (name, daemon) => {
  const text = page(name);

  test("has every option that the daemon takes, and no other, as its help has", () => {
    const options = Object.keys(daemon.options).map((option) => `--${option}`);
    expect(optionsIn(text)).toEqual(options);
    for (const option of options) expect(daemonHelp(daemon)).toContain(`  ${option}`);
  });

  test("has every exit code", () => {
    const told = [...section(text, "EXIT STATUS").matchAll(/^\.It (\d+)$/gm)].map(([, code]) => Number(code));
    expect(told).toEqual(Object.values(DAEMON_EXIT));
  });
});

test("knockline-knockd(8) explains every reason for which somebody is denied", () => {
  const told = [...page("knockline-knockd.8").matchAll(/^\.It Li (\S+)$/gm)].map(([, reason]) => reason);
  expect(told).toEqual(Object.keys(DENIALS));
});

test("pages refer to pages that there are, of ours or of the system's", () => {
  const others = ["nft.8", "systemd.service.5"];
  for (const [name, source] of Object.entries(sources))
    for (const [, title = "", chapter = ""] of source.replace(/\\-/g, "-").matchAll(/\bXr (\S+) (\d)/g))
      expect([...Object.keys(sources), ...others], name).toContain(`${title}.${chapter}`);
});

test("every daemon has a page under the name that it has when installed", () => {
  expect(Object.keys(sources)).toEqual(
    expect.arrayContaining(DAEMONS.map(({ name }) => `knockline-${name}.8`)),
  );
});

test("a source that asks for a part which there is not is refused by name", () => {
  expect(() => manualPage("@nonsense@")).toThrow(/@nonsense@.*commands/);
});
