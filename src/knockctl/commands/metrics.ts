import { type Run, textOption } from "../command.ts";
import { EXIT } from "../failure.ts";
import { renderMetrics } from "../render/metrics.ts";
import { answer } from "./answer.ts";

/** `knockctl metrics`: for Prometheus, on standard output or into a file that is there whole at any moment. */
export const metrics: Run = async (call, world) => {
  const result = await (await world.asker()).ask("metrics", {});
  const output = textOption(call, "output");
  const text = () => renderMetrics(result.families);
  if (output === undefined) return answer(call, world, { object: result, text });
  await world.replaceText(output, `${text()}\n`);
  return EXIT.done;
};
