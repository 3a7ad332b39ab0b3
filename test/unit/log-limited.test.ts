import { expect, it } from "vitest";
import { LimitedLog } from "../../src/shared/log/limited.ts";
import { silentLog } from "../../src/shared/log/log.ts";

it("a log of what outsiders bring about takes twenty lines in ten seconds, and sums up the others in one", () => {
  let uptime = 0;
  const lines: string[] = [];
  const log = new LimitedLog(
    {
      ...silentLog,
      info: (message) => lines.push(message),
      warn: (message, fields) => lines.push(`${message} ${JSON.stringify(fields)}`),
    },
    () => ({ wall: 0, uptime }),
    "more were denied",
  );
  const flood = (): void => {
    for (let n = 0; n < 500; n += 1) log.info("denied");
  };
  flood();
  expect(lines).toEqual(Array(20).fill("denied"));
  lines.length = 0;
  uptime = 10_000;
  log.warn("refused", { why: "no" });
  expect(lines).toEqual(['more were denied {"count":480}', 'refused {"why":"no"}']);
  lines.length = 0;
  uptime = 60_000;
  flood();
  expect(lines).toEqual(Array(20).fill("denied"));
});
