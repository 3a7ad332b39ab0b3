import { once } from "node:events";
import { fitHeight } from "../render/screen.ts";

const ALTERNATE = "\x1b[?1049h\x1b[?25l";
const RESTORE = "\x1b[?25h\x1b[?1049l";
const FRAME_MS = 1000;

/** Ends at the first signal that means: enough. */
function interruption(): { ended: Promise<unknown>; dispose: () => void } {
  const over = new AbortController();
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  const waits = signals.map((signal) =>
    once(process, signal, { signal: over.signal }).catch(() => undefined),
  );
  return { ended: Promise.race(waits), dispose: () => over.abort() };
}

function paint(frame: string): void {
  // a pseudo terminal that nobody has told its size says 0
  const lines = fitHeight(frame, process.stdout.rows || 24).split("\n");
  process.stdout.write(`\x1b[H${lines.map((line) => `${line}\x1b[K`).join("\r\n")}\x1b[J`);
}

/** Draws frames on the alternate screen once a second until Ctrl-C; the terminal is left as it was, also on errors. */
export async function redraw(frame: () => Promise<string>): Promise<void> {
  const { ended, dispose } = interruption();
  let going = true;
  const stop = ended.then(() => {
    going = false;
  });
  process.stdout.write(ALTERNATE);
  try {
    while (going) {
      paint(await frame());
      let timer: NodeJS.Timeout | undefined;
      const tick = new Promise((resolve) => {
        timer = setTimeout(resolve, FRAME_MS);
      });
      await Promise.race([tick, stop]);
      clearTimeout(timer);
    }
  } finally {
    process.stdout.write(RESTORE);
    dispose();
  }
}
