import { existsSync, readdirSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import { describe, expect, test } from "vitest";
import { COMMANDS, GROUPS, TOPICS } from "../../src/knockctl/catalogue/all.ts";
import { interpret } from "../../src/knockctl/cli.ts";
import { DENIALS } from "../../src/shared/access/denial.ts";
import { KNOWN_KEYS, SERVICE_KEYS } from "../../src/shared/settings/decode/sections.ts";
import { anchorsIn, type Code, codeIn, knockctlCalls, linksIn, pages } from "../helpers/documents.ts";

const root = new URL("../../", import.meta.url);
const PAGES = pages();
const GRAMMAR = { topics: TOPICS, groups: GROUPS, version: "0" };

/** @returns the reasons that have a row of their own in the guide's table */
function explained(guide: string): string[] {
  const [, table = ""] = guide.split("## Why a knock was denied");
  return [...table.matchAll(/^\| `([a-z_]+)` \|/gm)].map(([, reason = ""]) => reason);
}

test("the operations guide explains every reason for which a knock is denied, and no other", () => {
  expect(explained(PAGES["docs/operations.md"] ?? "").sort()).toEqual(Object.keys(DENIALS).sort());
});

describe("every command that a page shows", () => {
  /** A command's name alone, within a sentence, may leave its arguments out. */
  function complaint(words: readonly string[], kind: Code["kind"]): string | undefined {
    const meaning = interpret(words, GRAMMAR);
    if (meaning.kind !== "misused") return undefined;
    const bare = /missing required argument|argument missing|which one\?/.test(meaning.what);
    return kind === "inline" && bare ? undefined : `knockctl ${words.join(" ")}: ${meaning.what}`;
  }

  /** In sentences our commands are often named without the program: `user rotate NAME --ports`. */
  function calls({ kind, text }: Code): string[][] {
    const short = COMMANDS.some(({ name }) => name.includes(" ") && `${text} `.startsWith(`${name} `));
    return kind === "inline" && short ? knockctlCalls(`knockctl ${text}`) : knockctlCalls(text);
  }

  test.each(Object.entries(PAGES))("in %s is one that knockctl understands", (_name, text) => {
    const wrong = codeIn(text).flatMap((code) =>
      calls(code).flatMap((words) => complaint(words, code.kind) ?? []),
    );
    expect(wrong).toEqual([]);
  });

  test("in a manual page's prose is one that knockctl understands", () => {
    const folder = new URL("docs/man/", root);
    const lines = readdirSync(folder).flatMap((name) =>
      readFileSync(new URL(name, folder), "utf8").split("\n"),
    );
    const shown = lines
      .map((line) => line.replace(/\\-/g, "-").replace(/\\\(aq/g, "'"))
      .flatMap(
        (line) =>
          /^(?:\.Ic )?(knockctl [^.]*?)(?: Ar (.*?))?(?: [.,;])?$/.exec(line)?.slice(1, 3).join(" ") ?? [],
      );
    expect(shown.length).toBeGreaterThan(10);
    expect(
      shown.flatMap((line) => knockctlCalls(line)).flatMap((words) => complaint(words, "line") ?? []),
    ).toEqual([]);
  });

  test("is found where pages have commands: in fences, indented, in a sentence, behind a prompt, before a remark", () => {
    const page =
      '```sh\nsudo knockctl list --json | jq .   # all\n$ knockctl allow add me --note "the office"\n```\n\n    knockctl status   says how it is\n\nor `user show NAME`, `/usr/sbin/knockctl frobnicate`';
    expect(codeIn(page).flatMap(calls)).toEqual([
      ["list", "--json"],
      ["allow", "add", "me", "--note", "the office"],
      ["status"],
      ["user", "show", "NAME"],
      ["frobnicate"],
    ]);
    expect(complaint(["frobnicate"], "inline")).toMatch(/unknown command/);
    expect(complaint(["list", "--jsom"], "line")).toMatch(/unknown option/);
    expect(complaint(["user", "client", "ann", "--format", "exe"], "line")).toMatch(/format/);
  });
});

describe("what else a page names", () => {
  test.each(Object.entries(PAGES))("in %s is a setting that there is, under its section", (_name, text) => {
    const named = codeIn(text).flatMap(
      ({ text: code }) => /^\[([a-z.]+)\] ([a-z0-9_]+)/.exec(code)?.slice(1, 3).join(".") ?? [],
    );
    const known = (key: string): boolean =>
      KNOWN_KEYS.includes(key) ||
      (key.startsWith("services.") && SERVICE_KEYS.includes(key.split(".")[2] ?? ""));
    expect(named.filter((key) => !known(key))).toEqual([]);
  });

  test("as an option of the bash client is one that it takes", () => {
    const client = readFileSync(new URL("clients/knock.sh", root), "utf8");
    const lines = Object.values(PAGES).flatMap((text) => codeIn(text).map(({ text: line }) => line));
    const named = lines.flatMap((line) => {
      // where it is an argument of ours, what follows is ours too
      const [, after = ""] = /^(?!.*knockctl).*\bknock-[a-z]+\.sh"?((?: .*)?)$/.exec(line) ?? [];
      const [ours = ""] = after.split(/ --then| #| {2,}/);
      return ours.match(/(?<= )--?[a-z0-9-]+/g) ?? [];
    });
    expect(named.length).toBeGreaterThan(3);
    const known = (option: string): boolean =>
      new RegExp(`^ {6}(?:.* \\| )?${option}(?: \\||\\))`, "m").test(client);
    expect([...new Set(named)].filter((option) => !known(option))).toEqual([]);
  });

  test("as `npm run NAME` is a script of package.json", () => {
    const { scripts } = JSON.parse(readFileSync(new URL("package.json", root), "utf8"));
    const named = Object.values(PAGES).flatMap((text) =>
      [...text.matchAll(/npm run ([a-z:-]+[a-z])/g)].map(([, name]) => name),
    );
    expect(named.length).toBeGreaterThan(5);
    expect([...new Set(named)].filter((name) => !Object.hasOwn(scripts, name ?? ""))).toEqual([]);
  });
});

describe("links", () => {
  test.each(Object.entries(PAGES))("of %s lead to files and headings that are there", (name, text) => {
    const dead = linksIn(text).filter((link) => {
      const [path = "", anchor] = link.split("#");
      const target = path === "" ? name : posix.join(posix.dirname(name), path);
      const there = existsSync(new URL(target, root));
      return !there || (anchor !== undefined && !anchorsIn(PAGES[target] ?? "").includes(anchor));
    });
    expect(dead).toEqual([]);
  });

  test("from the README reach every page of docs/", () => {
    const linked = linksIn(PAGES["README.md"] ?? "");
    const missing = Object.keys(PAGES).filter(
      (name) => /^docs\/[^/]+\.md$/.test(name) && !linked.includes(name),
    );
    expect(missing).toEqual([]);
  });

  test("in our sources name pages that are there", () => {
    const sources = ["src", "scripts", "systemd", "packaging", "clients"].flatMap((folder) =>
      readdirSync(new URL(`${folder}/`, root), { recursive: true, encoding: "utf8", withFileTypes: false })
        .map((name) => `${folder}/${name}`)
        .filter((name) => /\.(ts|mjs|sh|ps1|service)$/.test(name)),
    );
    const dead = sources.flatMap((name) =>
      [...readFileSync(new URL(name, root), "utf8").matchAll(/\bdocs\/[a-z0-9/-]+\.md/g)]
        .filter(([path]) => !existsSync(new URL(path, root)))
        .map(([path]) => `${name}: ${path}`),
    );
    expect(dead).toEqual([]);
  });
});

test("each decision has a number of its own, the same in its name and its title", () => {
  const decisions = Object.entries(PAGES).filter(([name]) => name.startsWith("docs/decisions/"));
  const numbers = decisions.map(([name]) => Number(/\/(\d{4})-/.exec(name)?.[1]));
  expect(new Set(numbers).size).toBe(decisions.length);
  decisions.forEach(([name, text], i) => {
    expect(text.split("\n")[0], name).toMatch(new RegExp(`^# ${numbers[i]}\\. \\S`));
  });
});
