import { describe, expect, test } from 'vitest';
import type { Command, CommandId, Container, ContainerId, Order, OrderAnswer, OrderId, Result, Turn } from '../../core/model/index.ts';
import type { CoreNode } from '../../core/node/port.ts';
import { broken, brokenRules, withTurn } from './broken-core.test-helper.ts';

/** The oracles of pause, rename and update: each is shown a core that is broken its way. */

const DONE: Result = { ok: true, kind: 'done' };
const DURATION_MS = 12_000;

/** Answers as if it had done it. */
const deafTo = (core: CoreNode, kind: Command['kind']): Partial<CoreNode> => ({
  command: (turn: Turn, id: CommandId, command: Command) =>
    command.kind === kind ? turn.reply(id, DONE) : core.command(turn, id, command),
});

test('a sound core breaks no rule', () => {
  expect(broken(() => ({}), DURATION_MS).violations).toEqual([]);
});

test.each(['pause', 'rename', 'update'] as const)('a node that answers a %s and does nothing is caught', (kind) => {
  expect(brokenRules(broken((core) => deafTo(core, kind), DURATION_MS))).toContain('keeps changes');
});

describe('a node that takes back', () => {
  const rewritten =
    (change: (container: Container) => Container) =>
    (core: CoreNode): Partial<CoreNode> => ({
      answer: (turn: Turn, id: OrderId, answer: OrderAnswer) =>
        core.answer(
          withTurn(turn, {
            perform: (order: Order) =>
              turn.perform(order.kind === 'store-container' ? { ...order, container: change(order.container) } : order),
          }),
          id,
          answer,
        ),
    });

  test('the limits that it gave is caught', () => {
    const outcome = broken(
      rewritten((container) => ({ ...container, request: { ...container.request, spec: '{}' } })),
      DURATION_MS,
    );
    expect(brokenRules(outcome)).toContain('keeps changes');
    expect(brokenRules(outcome)).toContain('settles');
  });

  test('a pause is caught', () => {
    const stray = (id: ContainerId): Order => ({ kind: 'engine-unpause', containerId: id, id: 1_000_000 as OrderId });
    const outcome = broken(
      (core) => ({
        timer: (turn, timer) => {
          core.timer(turn, timer);
          for (const { request, task } of core.containers()) if (task?.paused === true) turn.perform(stray(request.containerId));
        },
      }),
      DURATION_MS,
    );
    expect(brokenRules(outcome)).toContain('keeps changes');
  });
});

test('a node that counts the smaller figure while it updates is caught overselling', () => {
  const outcome = broken(
    (core) => ({
      command: (turn: Turn, id: CommandId, command: Command) => {
        if (command.kind !== 'update') return core.command(turn, id, command);
        const { containerId, resources, spec } = command;
        // Told to the engine, and to nobody else.
        turn.perform({ kind: 'engine-update', id: 1_000_000 as OrderId, containerId, spec, resources });
        turn.reply(id, { ok: false, error: { code: 'engine-failed', message: '', changed: false } });
      },
    }),
    DURATION_MS,
  );
  expect(brokenRules(outcome)).toContain('never oversold');
  expect(brokenRules(outcome)).toContain('settles');
});
