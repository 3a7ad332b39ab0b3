import { readdirSync, readFileSync } from "node:fs";

const root = new URL("../../", import.meta.url);

/** Every page of the documentation by path from the checkout's root: `docs/phone.md`. */
export function pages(): Record<string, string> {
  const below = readdirSync(new URL("docs/", root), { recursive: true, encoding: "utf8" }).map(
    (name) => `docs/${name}`,
  );
  const names = [...readdirSync(root), "test/vectors/README.md", "test/vectors/fuzz/README.md", ...below];
  return Object.fromEntries(
    names
      .filter((name) => name.endsWith(".md"))
      .map((name) => [name, readFileSync(new URL(name, root), "utf8")]),
  );
}

/** A piece of a page that is shown as code. */
export interface Code {
  /** A whole line of a block, or words within a sentence. */
  readonly kind: "line" | "inline";
  readonly text: string;
}

/** @returns all code of a Markdown page but blocks of YAML, which have sentences in them. */
export function codeIn(markdown: string): Code[] {
  const found: Code[] = [];
  const rest = markdown.replace(
    /^( *)```(\w*)\n([\s\S]*?)^\1```$/gm,
    (_block, _indent, language, lines: string) => {
      if (language !== "yaml")
        found.push(...lines.split("\n").map((text) => ({ kind: "line" as const, text })));
      return "";
    },
  );
  for (const [, text = ""] of rest.matchAll(/^ {4,}(\S.*)$/gm)) found.push({ kind: "line", text });
  for (const [, text = ""] of rest.matchAll(/`([^`\n]+)`/g)) found.push({ kind: "inline", text });
  return found;
}

/** @returns where a page's links lead, without those to the network */
export function linksIn(markdown: string): string[] {
  const text = markdown.replace(/^( *)```[\s\S]*?^\1```$/gm, "").replace(/`[^`\n]*`/g, "");
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, to = ""]) => (/^[a-z]+:/.test(to) ? [] : [to]));
}

/** @returns the anchors that a page's headings make, as GitHub writes them */
export function anchorsIn(markdown: string): string[] {
  return [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, "")
      .replace(/ /g, "-"),
  );
}

/** @returns the words of each `knockctl ...` in a line of shell, up to a remark, a pipe, a redirection or the next command */
export function knockctlCalls(line: string): string[][] {
  return [...line.matchAll(/(?:^|[\s(/`])knockctl (?=[a-z-])(.*)/g)].map(([, rest = ""]) => wordsOf(rest));
}

function wordsOf(text: string): string[] {
  // remarks stand two blanks away, or behind `#`
  const [command = ""] = text.split(/\s{2,}/);
  const words: string[] = [];
  for (const [, double, single, bare = ""] of command.matchAll(/"([^"]*)"|'([^']*)'|([^\s"']+)/g)) {
    const quoted = double ?? single;
    if (quoted === undefined && /^([#|>;&<)]|\d>)/.test(bare)) break;
    words.push(quoted ?? bare.replace(/[;)]+$/, ""));
    if (/[;)]$/.test(bare)) break;
  }
  return words;
}
