import { settingsToml } from "../../shared/settings/template.ts";
import { argument, literal, sentences, tagged } from "./mdoc.ts";

/** Settings that belong together: one text explains them all. */
interface Group {
  /** `ttl = "1h"`, as the file has it. */
  readonly lines: string[];
  readonly what: string;
}

interface Section {
  name: string;
  /** What is said of the section itself. */
  readonly about: string[];
  readonly groups: Group[];
}

/** A setting, perhaps commented out, with a remark behind it or without. */
const SETTING = /^(?:# )?([a-z0-9_]+ = (?:"[^"]*"|\[.*?\]|[\w.]+))(?:\s+# (.*))?$/;

/** Reads one section of the template: comments stand above the settings that they explain. */
function sectionOf(lines: readonly string[]): Section {
  const section: Section = { name: "", about: [], groups: [] };
  let said: string[] = [];
  let group: Group | undefined;
  for (const line of lines) {
    const [, setting, remark] = SETTING.exec(line) ?? [];
    if (setting === undefined) group = undefined;
    if (setting === undefined && line.startsWith("#")) {
      said.push(line.replace(/^# ?/, ""));
    } else if (setting === undefined || remark !== undefined) {
      // what was said before a section's name, or before a setting with a remark of its own, is about the section
      section.about.push(...said);
      said = [];
      if (setting === undefined) section.name = line;
      else section.groups.push({ lines: [setting], what: remark ?? "" });
    } else {
      if (group === undefined) {
        group = { lines: [], what: said.join(" ") };
        section.groups.push(group);
      }
      said = [];
      group.lines.push(setting);
    }
  }
  return section;
}

function items({ lines, what }: Group): [heading: string, body: string][] {
  return lines.map((line, i) => [`Cm ${argument(line)}`, i === lines.length - 1 ? sentences(what) : ""]);
}

function text({ name, about, groups }: Section): string {
  const said = about.length === 0 ? [] : [sentences(about.join(" "))];
  return [`.Ss ${literal(name)}`, ...said, tagged(groups.flatMap(items))].join("\n");
}

/** @returns every setting with its default and what it is for, by section: what `init` writes, read back. */
export function settingSections(): string {
  const [, ...sections] = settingsToml("pbx.example.com-k3v9x2qa").trimEnd().split("\n\n");
  return sections.map((section) => text(sectionOf(section.split("\n")))).join("\n");
}
