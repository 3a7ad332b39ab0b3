import * as vitest from "vitest";
import { fetchAsterisk } from "../../scripts/asterisk-fetch.mjs";
import { type Need, needs } from "./needs.ts";

/** A real Asterisk on a host of the lab, which the demo uses too; see scripts/asterisk.mjs. */
export { ARI_PASSWORD, type Asterisk, startAsterisk } from "../../scripts/asterisk.mjs";
export { type AsteriskCall, press } from "../../scripts/asterisk-call.mjs";

/** As `needs`, for tests with a real Asterisk: it is fetched when it is not in the cache. */
export async function needsAsterisk(...more: Need[]): Promise<ReturnType<typeof needs>> {
  const found = needs("root", "namespaces", "nsenter", ...more);
  const problem = await fetchAsterisk().then(
    () => undefined,
    (error: Error) => error.message.split("\n")[0],
  );
  if (problem === undefined) return found;
  const skip =
    (how: (name: string, body: () => void) => unknown) =>
    (name: string): unknown =>
      how(`${name} [needs Asterisk: ${problem}]`, () => undefined);
  return {
    describe: skip(vitest.describe.skip) as typeof vitest.describe,
    test: skip(vitest.test.skip) as typeof vitest.test,
  };
}
