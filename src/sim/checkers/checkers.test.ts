import { describe, expect, test } from 'vitest';
import type {
  Affinity,
  Command,
  CommandId,
  Container,
  HostPort,
  Message,
  NodeId,
  Order,
  OrderAnswer,
  OrderId,
  Result,
  Timer,
  Turn,
} from '../../core/model/index.ts';
import { Node } from '../../core/node/node.ts';
import type { CoreNode } from '../../core/node/port.ts';
import type { Fault } from '../faults/fault.ts';
import { EXIT, exitCodeOf } from '../outcome.ts';
import { broken, brokenRules, mute, silent, withCore } from './broken-core.test-helper.ts';

/** An oracle that never fires proves nothing: each is shown a core that is broken its way. */

/** Marks what a broken core sends and orders. */
const STRAY = 1_000_000;
const ONE: HostPort = { protocol: 'tcp', ip: 0, port: 1 };

/** Answers as if it had listened. */
const deafTo = (core: CoreNode, kind: Command['kind']): Partial<CoreNode> => ({
  command: (turn, id, command) => (command.kind === kind ? turn.reply(id, { ok: true, kind: 'done' }) : core.command(turn, id, command)),
});
const onPortOne = (containers: readonly Container[]): readonly Container[] =>
  containers.map((container) => ({ ...container, request: { ...container.request, hostPorts: [ONE] } }));

test('a sound core breaks no rule', () => {
  expect(broken(() => ({})).violations).toEqual([]);
});

describe('correctness', () => {
  test('a node that takes itself for twice its size is caught overselling', () => {
    const outcome = withCore((config, kept) => {
      const { cpuMillicores, memoryBytes } = config.self.capacity;
      return new Node(
        { ...config, self: { ...config.self, capacity: { cpuMillicores: cpuMillicores * 2, memoryBytes: memoryBytes * 2 } } },
        kept,
      );
    });
    expect(brokenRules(outcome)).toContain('never oversold');
    expect(exitCodeOf(outcome)).toBe(EXIT.correctness);
  });

  test('a buyer that refuses at once is caught saying no room', () => {
    const refusal: Result = { ok: false, error: { code: 'no-room', message: 'no', changed: false } };
    const outcome = broken((core) => ({
      command: (turn: Turn, id: CommandId, command: Command) =>
        command.kind === 'run' ? turn.reply(id, refusal) : core.command(turn, id, command),
    }));
    expect(brokenRules(outcome)).toEqual(new Set(['no room is true']));
  });

  test('a node that takes launches meant for others is caught as a second owner', () => {
    const outcome = broken((core) => ({
      receive: (turn: Turn, from: NodeId, message: Message) => {
        if (message.kind === 'launch' && message.attempt === STRAY) {
          return turn.perform({ kind: 'store-container', id: STRAY as OrderId, container: launchedBy(from, message) });
        }
        core.receive(turn, from, message);
        const other = core.members().find((member) => member.id !== core.self().id && member.id !== from);
        if (message.kind === 'launch' && other !== undefined) turn.send(other.id, { ...message, attempt: STRAY });
      },
    }));
    expect(brokenRules(outcome)).toContain('one owner');
  });

  test('a node that acknowledges before its record is durable is caught when its daemon dies', () => {
    const early = (core: CoreNode): Partial<CoreNode> => {
      const answered = new Set<OrderId>();
      const atOnce = (turn: Turn, input: (turn: Turn) => void): void => {
        const perform = (order: Order): void => {
          turn.perform(order);
          if (order.kind !== 'forget-container') return;
          answered.add(order.id);
          core.answer(turn, order.id, { ok: true });
        };
        input(Object.assign(Object.create(turn) as Turn, { perform }));
      };
      return {
        command: (turn: Turn, id: CommandId, command: Command) => atOnce(turn, (turn) => core.command(turn, id, command)),
        answer: (turn: Turn, id: OrderId, answer: OrderAnswer) => {
          if (!answered.delete(id)) atOnce(turn, (turn) => core.answer(turn, id, answer));
        },
      };
    };
    const restarts = Array.from({ length: 100 }, (_, i) => ({ kind: 'restart', atMs: 8_000 + i * 200, forMs: 20, node: i % 4 }) as const);
    expect(brokenRules(broken(early, 20_000, restarts))).toContain('stays removed');
    expect(brokenRules(broken(() => ({}), 20_000, restarts))).toEqual(new Set());
  });

  test('a node that forgets what it was given is caught', () => {
    const outcome = broken((core) => ({
      receive: (turn: Turn, from: NodeId, message: Message) => {
        core.receive(turn, from, message);
        const kept = core.containers()[0]?.request.containerId;
        if (kept !== undefined) turn.perform({ kind: 'forget-container', id: STRAY as OrderId, containerId: kept, removedAtMs: 0 });
      },
    }));
    expect(brokenRules(outcome)).toContain('lost container');
  });

  test('a node that says no after it has placed is caught not keeping its word', () => {
    const refusal: Result = { ok: false, error: { code: 'no-room', message: 'no', changed: false } };
    const outcome = broken((core) => mute(core, (result) => (result.ok && result.kind === 'placed' ? refusal : result)));
    expect(brokenRules(outcome)).toContain('keeps its word');
  });

  test('a buyer that overlooks what was asked is caught placing elsewhere', () => {
    const outcome = broken((core) => ({
      command: (turn: Turn, id: CommandId, command: Command) =>
        core.command(
          turn,
          id,
          command.kind === 'run' ? { ...command, exclude: [], request: { ...command.request, constraints: [], arches: [] } } : command,
        ),
    }));
    expect(brokenRules(outcome)).toContain('placed where asked');
  });

  test('a supplier that holds without a word is caught leaking', () => {
    const outcome = broken((core) => ({
      receive: (turn: Turn, from: NodeId, message: Message) =>
        core.receive(message.kind === 'reserve' ? silent(turn) : turn, from, message),
    }));
    expect(brokenRules(outcome)).toContain('leaked hold');
  });

  test('a supplier whose holds never expire is caught leaking', () => {
    const outcome = broken((core) => ({
      receive: (turn: Turn, from: NodeId, message: Message) => {
        if (message.kind !== 'cancel' && message.kind !== 'launch') core.receive(turn, from, message);
      },
      timer: (turn: Turn, timer: Timer) => (timer.name === 'hold' ? undefined : core.timer(turn, timer)),
    }));
    expect(brokenRules(outcome)).toContain('leaked hold');
  });

  test('a task that goes back is caught', () => {
    const outcome = broken((core) => ({
      timer: (turn: Turn, timer: Timer) => {
        core.timer(turn, timer);
        for (const container of core.containers()) {
          const task = container.task === undefined ? undefined : ({ ...container.task, state: 'pending' } as const);
          if (container.task?.state === 'running')
            turn.perform({ kind: 'store-container', id: STRAY as OrderId, container: { ...container, task } });
        }
      },
    }));
    expect(brokenRules(outcome)).toContain('task states');
  });

  test('a node that refuses names which nobody has is caught', () => {
    const taken: Result = { ok: false, error: { code: 'name-taken', message: 'no', changed: false } };
    const outcome = broken((core) => ({
      command: (turn: Turn, id: CommandId, command: Command) =>
        command.kind === 'run' && command.request.name.startsWith('job-') ? turn.reply(id, taken) : core.command(turn, id, command),
    }));
    expect(brokenRules(outcome)).toEqual(new Set(['one name']));
  });

  test('two containers of one name are caught', () => {
    const outcome = broken((core) => ({ containers: () => core.containers().map((container) => ({ ...container, name: 'web' })) }));
    expect(outcome.violations.map(({ what }) => what).join()).toContain('are both called web');
  });

  test('a node that gives its container another name for no reason is caught', () => {
    let renamed = false;
    const outcome = broken((core) => ({
      answer: (turn: Turn, id: OrderId, answer: OrderAnswer) => {
        core.answer(turn, id, answer);
        const [container] = core.containers();
        if (container === undefined || renamed) return;
        renamed = true;
        const { containerId } = container.request;
        turn.emit({ kind: 'container-renamed', containerId, from: container.name, to: 'other', why: '' });
      },
    }));
    expect(brokenRules(outcome)).toContain('one name');
  });

  test('a table without a bound is caught', () => {
    const outcome = broken((core) => ({ offers: () => Array.from({ length: 1_000 }, () => core.offers()[0] as never) }));
    expect(brokenRules(outcome)).toContain('bounded');
  });

  test.each(['rumours', 'relays', 'orders', 'names', 'another'])('a table of %s that only grows is caught', (what) => {
    const outcome = broken((core) => ({ sizes: () => ({ ...core.sizes(), [what]: 1_000_000 }) }));
    expect(brokenRules(outcome)).toEqual(new Set(['bounded']));
  });
});

describe('stacks', () => {
  test('a node that says it placed what it did not is caught', () => {
    const outcome = broken((core) => ({
      command: (turn: Turn, id: CommandId, command: Command) => {
        if (command.kind !== 'run-stack') return core.command(turn, id, command);
        const placement = { considered: [] } as never;
        const parts = command.stack.parts.map(({ request }) => ({ containerId: request.containerId, supplier: core.self().id, placement }));
        return turn.reply(id, { ok: true, kind: 'stack-placed', parts });
      },
    }));
    expect(brokenRules(outcome)).toContain('all or nothing');
  });

  test('a node that keeps what its buyer takes back is caught', () => {
    const outcome = broken(
      (core) => ({
        receive: (turn: Turn, from: NodeId, message: Message) => {
          if (message.kind !== 'cancel' || !message.takeBack) return core.receive(turn, from, message);
          const left = core.containers().find(({ request }) => request.id === message.requestId);
          if (left === undefined) return core.receive(turn, from, message);
          const { id: requestId, containerId } = left.request;
          const error = { code: 'cancelled', message: '', changed: false } as const;
          return turn.send(from, { kind: 'launch-refused', requestId, containerId, attempt: message.attempt, error });
        },
      }),
      60_000,
    );
    expect(brokenRules(outcome)).toContain('all or nothing');
  });

  test('a node that plans by doing is caught', () => {
    const outcome = broken(
      (core) => ({
        command: (turn: Turn, id: CommandId, command: Command) =>
          core.command(turn, id, command.kind === 'plan' ? { ...command, kind: 'run-stack' } : command),
      }),
      10_000,
    );
    expect(brokenRules(outcome)).toContain('plans change nothing');
  });

  test('a container that is where it must not be is caught', () => {
    const lonely: Affinity = { subject: 'container', key: '', operator: '==', value: 'nobody', soft: false };
    const outcome = broken((core) => ({
      containers: () => core.containers().map((c) => ({ ...c, request: { ...c.request, affinities: [lonely] } })),
    }));
    expect(brokenRules(outcome)).toContain('affinities hold');
  });

  test('two containers with one port, and one on a port that its host has taken, are caught', () => {
    const blind = broken((core) => ({ containers: () => onPortOne(core.containers()) }));
    expect(brokenRules(blind)).toContain('one port');
    const facts = { busyPorts: [{ ...ONE, owner: undefined, by: 'a stranger' }], closedNetworks: [] };
    const crowded: Fault[] = [0, 1, 2, 3].map((node) => ({ kind: 'host-crowded', atMs: 4_000, forMs: 10_000, node, facts }));
    const last = (core: CoreNode): Partial<CoreNode> => ({ containers: () => onPortOne(core.containers().slice(-1)) });
    const deaf = broken((core) => ({ ...deafTo(core, 'host-facts'), ...last(core) }), 10_000, crowded);
    expect(deaf.violations.filter(({ checker }) => checker === 'one port').map(({ what }) => what)).toContainEqual(
      expect.stringContaining('which its host has taken'),
    );
  });
});

describe('liveness', () => {
  test('a node that swallows its replies is caught', () => {
    const outcome = broken((core) => ({
      command: (turn: Turn, id: CommandId, command: Command) => (command.kind === 'stop' ? undefined : core.command(turn, id, command)),
    }));
    expect(brokenRules(outcome)).toContain('one reply');
    expect(exitCodeOf(outcome)).toBe(EXIT.liveness);
  });

  test('nodes that hear nobody are caught not agreeing on who lives', () => {
    const outcome = broken(() => ({ receive: () => undefined }));
    expect(brokenRules(outcome)).toContain('membership converges');
  });

  test('an owner of names that keeps none is caught', () => {
    const outcome = broken(() => ({ names: () => [] }));
    expect(brokenRules(outcome)).toEqual(new Set(['one name', 'told everywhere']));
  });

  test('a node that listens to nothing its daemon tells of its own accord is caught', () => {
    for (const kind of ['endpoints', 'agreed'] as const) {
      const outcome = broken((core) => deafTo(core, kind));
      expect(brokenRules(outcome), kind).toEqual(new Set(['told everywhere']));
    }
  });

  test('a hold that is never given back is caught', () => {
    const outcome = broken((core) => ({ resources: () => ({ ...core.resources(), holds: 1 }) }));
    expect(brokenRules(outcome)).toEqual(new Set(['settles', 'leaked hold']));
  });
});

test('an exception of the core is a crash, with its stack', () => {
  const outcome = broken(() => ({
    timer: () => {
      throw new Error('a timer broke');
    },
  }));
  expect(outcome.crash?.message).toBe('a timer broke');
  expect(exitCodeOf(outcome)).toBe(EXIT.crash);
});

test('a core that feeds itself without end is a crash', () => {
  const outcome = broken((core) => ({
    start: (turn: Turn) => {
      core.start(turn);
      turn.setTimer({ machine: 'buyer', name: 'again', key: '', token: 0 }, 0);
    },
    timer: (turn: Turn) => turn.setTimer({ machine: 'buyer', name: 'again', key: '', token: 0 }, 0),
  }));
  expect(outcome.crash?.message).toContain('a runaway');
});

test('a second reply to one command is a crash', () => {
  const outcome = broken((core) => ({
    command: (turn: Turn, id: CommandId, command: Command) => {
      core.command(turn, id, command);
      if (command.kind === 'learn') turn.reply(id, { ok: true, kind: 'done' });
    },
  }));
  expect(outcome.crash?.message).toContain('a second reply');
});

function launchedBy(buyer: NodeId, message: Extract<Message, { kind: 'launch' }>) {
  return {
    request: message.request,
    name: message.request.name,
    buyer,
    createdAtMs: 0,
    readiness: 'ready',
    desired: 'created',
    restartCount: 0,
    task: undefined,
    taskNumber: 0,
    holding: false,
    placement: '',
  } as const;
}
