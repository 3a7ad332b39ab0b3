import { describe, expect, it } from "vitest";
import { isToml, parsePlain, printPlain, readTomlList } from "../../src/knockctl/allow-file.ts";
import type { AllowView } from "../../src/shared/gate/views.ts";
import { tryToml } from "../../src/shared/settings/adapters/toml.ts";

const toml = (text: string) => readTomlList(text, tryToml(text));

describe("a plain list", () => {
  it("has an entry a line, with comments, services, an end and a note", () => {
    const text = `\uFEFF# providers
203.0.113.7

sip.example.com   services=sip,rtp   # their first one
  2001:db8::/32 expires=2026-12-31 services=sip note=half of it # not a comment\r
`;
    expect(parsePlain(text)).toEqual({
      ok: true,
      wishes: [
        { line: 2, what: "203.0.113.7" },
        { line: 4, what: "sip.example.com", services: ["sip", "rtp"] },
        {
          line: 5,
          what: "2001:db8::/32",
          services: ["sip"],
          expires: "2026-12-31T23:59:59.000Z",
          note: "half of it # not a comment",
        },
      ],
    });
  });

  it("tells every line that it does not understand", () => {
    const text =
      "203.0.113.7 sip\n203.0.113.8\n203.0.113.9 expires=soon\n203.0.113.9 services=a services=b\n";
    expect(parsePlain(text)).toEqual({
      ok: false,
      faults: [
        'line 1: "sip" is neither services=, expires= nor note=',
        'line 3: expires: "soon" is no date',
        "line 4: services is said twice",
      ],
    });
  });

  it("is printed so that it is read again as it was", () => {
    const view = (what: string, more: Partial<AllowView> = {}): AllowView => ({
      what,
      kind: "address",
      addresses: [],
      services: [],
      note: null,
      added: "2026-01-01T00:00:00.000Z",
      age: null,
      failing: null,
      expires: null,
      left: null,
      ...more,
    });
    const entries = [
      view("203.0.113.7"),
      view("sip.example.com", { services: ["sip", "rtp"], note: "note=# 'x' " }),
      view("2001:db8::/32", { expires: "2026-12-31T23:59:59.000Z" }),
    ];
    expect(parsePlain(printPlain(entries))).toEqual({
      ok: true,
      wishes: [
        { line: 2, what: "203.0.113.7" },
        { line: 3, what: "sip.example.com", services: ["sip", "rtp"], note: "note=# 'x'" },
        { line: 4, what: "2001:db8::/32", expires: "2026-12-31T23:59:59.000Z" },
      ],
    });
  });
});

describe("a list in TOML", () => {
  it("has a table an entry, or for several of one kind", () => {
    const text = `# provider
[[allow]]
what = ["sbc1.example.com", "sbc2.example.com"]
services = ["sip"]
note = "both"
[[allow]]
what = "203.0.113.0/24"
expires = 2026-12-31
`;
    expect(isToml(text)).toBe(true);
    expect(toml(text)).toEqual({
      ok: true,
      wishes: [
        { line: 2, what: "sbc1.example.com", services: ["sip"], note: "both" },
        { line: 2, what: "sbc2.example.com", services: ["sip"], note: "both" },
        { line: 6, what: "203.0.113.0/24", expires: "2026-12-31T23:59:59.000Z" },
      ],
    });
  });

  it.each([
    ["[[allow]]\nwhat = ", /^line 2: /],
    ['[[allow]]\nwhat = "a.example"\n\n[[allow]]\nwhy = 1\n', /^line 4: why: known are/],
    ["[[allow]]\nwhat = 7\n", /^line 1: what must be a text/],
    ['[[allow]]\nwhat = "a.example"\nservices = "sip"\n', /^line 1: services must be a list/],
    ['[[allow]]\nwhat = "a.example"\nexpires = 12:00:00\n', /^line 1: expires: .* is no date/],
    ['[[allowed]]\nwhat = "a.example"\n', /allowed: only \[\[allow\]\] tables/],
    ["[allow]\n", /there is no \[\[allow\]\] table/],
  ])("%j is refused, and the line is named", (text, fault) => {
    const parsed = toml(text);
    expect(parsed.ok ? [] : parsed.faults).toEqual([expect.stringMatching(fault)]);
  });
});
