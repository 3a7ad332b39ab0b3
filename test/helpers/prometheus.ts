/** One metric as it was exposed. */
export interface Exposed {
  readonly type: string;
  readonly help: string;
  /** By the text of their labels, in the order they came: `by="knock"`; `` where there are none. */
  readonly samples: ReadonlyMap<string, number>;
}

const NAME = /^[a-z][a-z0-9_]*$/;
const SAMPLE = /^([a-z][a-z0-9_]*)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\[\\"n])*",?)+)\})? (\d+(?:\.\d+)?)$/;

/**
 * Reads Prometheus's text format strictly: each metric once, HELP then TYPE then at least one sample of that name, no
 * sample twice, counters ending in _total and nothing else, a newline at the end.
 * @throws Error with the line that is wrong
 */
export function parseExposition(text: string): ReadonlyMap<string, Exposed> {
  const wrong = (line: string, why: string) => new Error(`${why}: ${JSON.stringify(line)}`);
  if (!text.endsWith("\n")) throw wrong(text.slice(-40), "no newline at the end");
  const families = new Map<string, { type: string; help: string; samples: Map<string, number> }>();
  let name = "";
  for (const line of text.slice(0, -1).split("\n")) {
    const [, kind, of = "", rest = ""] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? [];
    const family = families.get(kind === "TYPE" ? of : name);
    if (kind === "HELP") {
      if (families.has(of) || !NAME.test(of) || families.get(name)?.samples.size === 0)
        throw wrong(line, "a metric twice, badly named, or the one before has no sample");
      families.set(of, { type: "", help: rest, samples: new Map() });
      name = of;
    } else if (kind === "TYPE") {
      if (of !== name || family === undefined || family.type !== "") throw wrong(line, "TYPE not after HELP");
      if (!["counter", "gauge"].includes(rest)) throw wrong(line, "unknown type");
      if ((rest === "counter") !== of.endsWith("_total")) throw wrong(line, "_total is for counters");
      family.type = rest;
    } else {
      const [, of, labels = "", value] = SAMPLE.exec(line) ?? [];
      if (of !== name || !family?.type || labels.endsWith(",")) throw wrong(line, "no sample of its metric");
      if (family.samples.has(labels)) throw wrong(line, "a sample twice");
      family.samples.set(labels, Number(value));
    }
  }
  return families;
}
