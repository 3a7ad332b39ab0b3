import { expect, test } from "vitest";
import { COMMANDS } from "../../src/knockctl/catalogue/all.ts";
import { optionName } from "../../src/knockctl/command.ts";
import { completionTable } from "../../src/knockctl/completion/table.ts";

const table = completionTable(COMMANDS);

test("Tab offers every command, and all of its options", () => {
  for (const { name, flags = [] } of COMMANDS) {
    const [first = "", second] = name.split(" ");
    const words = (place: string): string[] => {
      const offer = table.offers.get(place);
      return offer?.kind === "words" ? offer.words.map(({ word }) => word) : [];
    };
    expect(words("")).toContain(first);
    if (second !== undefined) expect(words(first)).toContain(second);
    expect(words(`${name} -`)).toEqual([
      ...flags.map((flag) => optionName(flag.flags).long),
      "--config",
      "--help",
    ]);
  }
});

test("Tab offers the values of every option that takes one of a few", () => {
  for (const { name, flags = [] } of COMMANDS)
    for (const { flags: text, choices } of flags) {
      const { long, optional } = optionName(text);
      if (choices === undefined || optional) continue;
      expect(table.offers.get(`${name} ${long}`)).toEqual({
        kind: "words",
        words: choices.map((word) => ({ word })),
      });
    }
});

test("Tab tells an option that wants a value from one of the same name that wants none, by the command before it", () => {
  for (const { name, flags = [] } of COMMANDS)
    for (const { flags: text } of flags) {
      const { long, value, optional } = optionName(text);
      const wants = value !== undefined && !optional;
      expect(table.taking.includes(`${name} ${long}`), `${name} ${long}`).toBe(wants);
    }
  expect(table.taking).toContain("audit --ports");
  expect(table.taking).not.toContain("user rotate --ports");
  expect(table.takingAnywhere).toEqual(["--config", "-c"]);
});
