/** This machine lacks what we cannot do without. `cure` says what to do. */
export class HostError extends Error {
  constructor(
    message: string,
    readonly cure: string,
  ) {
    super(message);
    this.name = "HostError";
  }
}
