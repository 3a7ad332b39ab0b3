import type { Gate } from "../../access/gate.ts";
import { viewGrant } from "../../access/grants.ts";
import { formatPorts } from "../../firewall/policy.ts";
import { addUser, changeUser, findUser, OLD_PORTS, removeUser, rotateUser } from "../../users/decisions.ts";
import { viewUser } from "../../users/user.ts";
import { Refusal, type UserWishes } from "../verbs.ts";
import type { Answers } from "./answerer.ts";
import { exportUsers, importUsers } from "./exchange.ts";
import { notInForce } from "./in-force.ts";
import { newSecrets } from "./secret-wishes.ts";

type UserVerb =
  | "user_add"
  | "user_set"
  | "user_list"
  | "user_show"
  | "user_rotate"
  | "user_remove"
  | "user_client"
  | "user_export"
  | "user_import";

/** The answers about users. */
export const userAnswers: Answers<UserVerb> = {
  user_add: async (gate, { name, ...wishes }) => {
    refusePast(gate, wishes);
    const [draw, { secrets, once }] = await Promise.all([gate.parts.draw(), newSecrets(gate, name, wishes)]);
    const user = await gate.run((state, tx) => addUser(state, tx, name, wishes, secrets, draw));
    await gate.followed();
    return { user: viewUser(user), once, notes: notInForce(gate, user.services) };
  },

  user_set: async (gate, { name, ...wishes }) => {
    findUser(gate.state, name);
    refusePast(gate, wishes);
    const [draw, { secrets, once }] = await Promise.all([gate.parts.draw(), newSecrets(gate, name, wishes)]);
    const { memory } = gate.parts;
    const { user, notes, newClient } = await gate.run((state, tx) =>
      changeUser(state, tx, name, wishes, secrets, draw, memory),
    );
    await gate.followed();
    return {
      user: viewUser(user),
      once,
      notes: [...notes, ...notInForce(gate, user.services)],
      new_client: newClient,
    };
  },

  user_list: async (gate) => ({ users: [...gate.state.users.values()].map(viewUser) }),

  user_show: async (gate, { name }) => ({ user: viewUser(findUser(gate.state, name)) }),

  user_rotate: async (gate, { name, ports, pin, otp }) => {
    if (!ports && !pin && !otp) {
      throw new Refusal(
        "usage",
        "say what to draw anew",
        `knockctl user rotate ${name} --ports (or --pin, --otp)`,
      );
    }
    const { proof, phone } = findUser(gate.state, name);
    const [draw, { secrets, once }] = await Promise.all([
      gate.parts.draw(),
      newSecrets(gate, name, { pin, otp, proof, phone }),
    ]);
    const user = await gate.run((state, tx) => rotateUser(state, tx, name, ports ?? false, secrets, draw));
    await gate.followed();
    return { user: viewUser(user), once, notes: ports ? [OLD_PORTS] : [] };
  },

  user_remove: async (gate, { name }) => {
    const { uptime } = gate.parts.clock();
    const { user, closed } = await gate.run((state, tx) => removeUser(state, tx, name, gate.parts.memory));
    await gate.followed();
    return { user: viewUser(user), revoked: closed.map((grant) => viewGrant(grant, uptime)) };
  },

  user_client: async (gate, { name }) => {
    const user = findUser(gate.state, name);
    const { policy, server, knock, phone } = gate.state.settings;
    const services = policy.services.filter((service) => user.services.includes(service.name));
    const tcp = services.flatMap(({ ports }) => ports).find(({ proto }) => proto === "tcp");
    return {
      server: server.name,
      user: name,
      steps: user.steps.map(({ proto, port }) => ({ proto, port })),
      proof: user.proof,
      approval: user.approval,
      extension: phone.extension,
      pending: phone.pending / 1000,
      window: knock.window / 1000,
      services: services.map((service) => ({ name: service.name, ports: service.ports.map(formatPorts) })),
      probe: tcp?.from ?? null,
    };
  },

  user_export: async (gate, args) => exportUsers(gate, args),

  user_import: async (gate, args) => importUsers(gate, args),
};

/** Asked only here: an import may bring users who have come to their end. @throws Refusal */
function refusePast({ parts }: Gate, { expires }: UserWishes): void {
  if (expires == null || Date.parse(expires) > parts.clock().wall) return;
  throw new Refusal(
    "refused",
    `${expires} is past`,
    "give a day to come; to shut somebody out now: knockctl user set NAME --disable",
  );
}
