/** ari-client 2 has no types of its own: here is what we use of it. Its operations are those of the server's ARI. */
declare module "ari-client" {
  type Operation<Result = unknown> = (parameters: Record<string, unknown>) => Promise<Result>;

  export interface Client {
    on(event: string, listener: (event: never) => void): void;
    start(app: string): Promise<void>;
    readonly applications: { readonly get: Operation<{ channel_ids?: string[] }> };
    readonly channels: Record<"answer" | "play" | "hangup" | "originate", Operation> & {
      readonly getChannelVar: Operation<{ value?: string }>;
    };
    readonly playbacks: { readonly stop: Operation };
    readonly events: { readonly userEvent: Operation };
  }

  export function connect(url: string, user: string, password: string): Promise<Client>;
  const whole: { connect: typeof connect };
  export default whole;
}
