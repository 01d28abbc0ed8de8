import { afterEach, expect, test, vi } from 'vitest';
import type { Command, CommandId, ContainerId, Order, OrderId, Turn } from '../core/model/index.ts';
import type { CoreNode } from '../core/node/port.ts';
import { Prng } from '../lib/prng.ts';
import { CoreLoop, type CoreLoopHost } from './core-loop.ts';

const COMMAND: Command = { kind: 'leave' };
const order = (id: number): Order => ({ id: id as OrderId, kind: 'engine-unpause', containerId: 'c' as ContainerId });

/** A core of which a test writes the inputs it wants to see; the views are not for the loop. */
function coreOf(inputs: Partial<Pick<CoreNode, 'start' | 'command' | 'answer' | 'timer'>>): CoreNode {
  return { start: () => {}, command: () => {}, answer: () => {}, timer: () => {}, ...inputs } as unknown as CoreNode;
}

function hostOf(change: Partial<CoreLoopHost>): CoreLoopHost {
  return {
    send: () => {},
    perform: () => ({ ok: true }),
    onEvent: () => {},
    nowMs: () => 0,
    wallMs: () => 0,
    onAssertion: (error) => {
      throw error as Error;
    },
    ...change,
  };
}

afterEach(() => {
  vi.useRealTimers();
});

test('an answer is a later input, never a nested one, even where the host answers at once', async () => {
  const trace: string[] = [];
  let depth = 0;
  const input = (name: string, body: () => void) => {
    expect(depth, `${name} inside another input`).toBe(0);
    depth++;
    body();
    depth--;
    trace.push(name);
  };
  const core = coreOf({
    command: (turn: Turn, id: CommandId) =>
      input('command', () => {
        turn.perform(order(1));
        turn.perform(order(2));
        turn.reply(id, { ok: true, kind: 'done' });
      }),
    answer: (_turn, id) => input(`answer ${id}`, () => {}),
  });
  const perform = ({ id }: Order) => {
    trace.push(`perform ${id}`);
    return { ok: true } as const;
  };
  const loop = new CoreLoop(core, hostOf({ perform }), new Prng(1));
  expect(await loop.command(COMMAND)).toEqual({ ok: true, kind: 'done' });
  expect(trace).toEqual(['command', 'perform 1', 'perform 2', 'answer 1', 'answer 2']);
});

test('commands under way end as cancelled when it closes, later ones at once', async () => {
  const loop = new CoreLoop(coreOf({}), hostOf({}), new Prng(1));
  const waiting = loop.command(COMMAND);
  loop.close();
  expect(await waiting).toMatchObject({ ok: false, error: { code: 'cancelled', changed: true } });
  expect(await loop.command(COMMAND)).toMatchObject({ ok: false, error: { code: 'cancelled', changed: false } });
});

test('a broken assertion is told once, and nothing runs after it', () => {
  const told: string[] = [];
  let starts = 0;
  const core = coreOf({
    start: () => {
      starts++;
      throw new Error('broken');
    },
  });
  const loop = new CoreLoop(core, hostOf({ onAssertion: (error) => told.push((error as Error).message) }), new Prng(1));
  loop.start();
  loop.start();
  expect([starts, told]).toEqual([1, ['broken']]);
});

test('a timer comes back as the value it was set as', async () => {
  const timer = { machine: 'buyer', name: 'run', key: 'k', token: 7 } as const;
  const rang = await new Promise((resolve) => {
    const core = coreOf({ start: (turn) => turn.setTimer(timer, 1), timer: (_turn, value) => resolve(value) });
    new CoreLoop(core, hostOf({}), new Prng(1)).start();
  });
  expect(rang).toEqual(timer);
});

test('a timer that the core dropped does not come, others of its kind do', async () => {
  vi.useFakeTimers();
  const fired: number[] = [];
  const timer = (token: number) => ({ machine: 'membership', name: 'probe-timeout', key: '', token }) as const;
  const core = coreOf({
    start: (turn) => {
      for (const token of [1, 2, 3]) turn.setTimer(timer(token), 100);
      turn.dropTimer?.(timer(2));
      turn.dropTimer?.(timer(7));
    },
    timer: (_turn, { token }) => fired.push(token),
  });
  const loop = new CoreLoop(core, hostOf({}), new Prng(1));
  loop.start();
  expect(vi.getTimerCount()).toBe(2);
  vi.advanceTimersByTime(100);
  expect(fired).toEqual([1, 3]);
  loop.close();
});
