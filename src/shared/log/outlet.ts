/** Where a log goes: a stream of Node (stream.Writable), as far as it is used. */
export interface Stream {
  /** Takes text: writes it at once, or when its reader reads. `done` hears when it is written, or why it never will be. */
  write(text: string, done: (error?: Error | null) => void): unknown;
  /** Bytes taken and not yet written. */
  readonly writableLength: number;
}

/** What may wait for a reader when a line comes, bytes: as much again as a pipe holds (pipe(7)), some hundred lines. */
const BACKLOG = 64 * 1024;

/**
 * Hands lines to somebody who may stand still, or be gone. Whoever logs never waits for him: what is too much is lost,
 * all of it until he has caught up, so that there is one gap and what is said of it stands where it is.
 */
export class Outlet {
  readonly #stream: Stream;
  readonly #tell: (lost: number) => void;
  #lost = 0;
  #standsStill = false;

  /** @param tell hears how many lines were lost, once others get through again */
  constructor(stream: Stream, tell: (lost: number) => void) {
    this.#stream = stream;
    this.#tell = tell;
  }

  /** @param line with its newline */
  write(line: string): void {
    this.#standsStill ||= this.#stream.writableLength >= BACKLOG;
    if (this.#standsStill) this.#lost += 1;
    else this.#stream.write(line, (error) => this.#done(error));
  }

  #done(error: Error | null | undefined): void {
    if (error) this.#lost += 1;
    if (this.#stream.writableLength > 0) return;
    this.#standsStill = false; // also after an error: the next line shows whether somebody is there again
    if (!error && this.#lost > 0) this.#tellOfLost();
  }

  #tellOfLost(): void {
    const lost = this.#lost;
    this.#lost = 0; // first: the line that says so may be lost as well
    this.#tell(lost);
  }
}
