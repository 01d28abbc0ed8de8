import { expect, test } from 'vitest';
import { NameClaims } from '../discovery/names/name-claims.ts';
import { Questions } from '../discovery/names/questions.ts';
import { LIMITS, containerId, nodeId, requestId } from '../model/index.ts';
import type { CommandId, Message, Request, RequestId, Result, Timer, Turn } from '../model/index.ts';
import { NamedRuns } from './named-runs.ts';

const self = nodeId('a'.repeat(32));
const owner = nodeId('b'.repeat(32));

class Bench {
  readonly claims = new NameClaims({
    self,
    ring: { size: 2, owner: () => owner },
    questions: new Questions(300),
    askMs: 300,
    here: () => undefined,
  });
  readonly runs = new NamedRuns(this.claims, () => 'node-2');
  readonly results = new Map<number, Result>();
  readonly sent: Message[] = [];
  readonly timers: Timer[] = [];
  begun = 0;
  readonly turn = {
    nowMs: 0,
    send: (_to, message) => void this.sent.push(message),
    setTimer: (timer) => void this.timers.push(timer),
    reply: (id, result) => {
      this.results.set(id, result);
      this.runs.replied(this.turn, id, result);
    },
    emit: () => undefined,
  } as Partial<Turn> as Turn;
  #last = 0;

  request(name?: string): Request {
    const n = ++this.#last;
    const id = requestId(n.toString(16).padStart(32, '0'));
    return { id, containerId: containerId(n.toString(16).padStart(64, '0')), name: name ?? `web-${n}` } as Request;
  }

  /** @returns its command's number */
  run(requests: readonly Request[]): CommandId {
    const command = ++this.#last as CommandId;
    const id = requestId(command.toString(16).padStart(32, '0'));
    this.runs.run(this.turn, command, id, requests, { prepare: undefined, begin: () => void this.begun++, abandon: () => undefined });
    return command;
  }

  stack(): CommandId {
    return this.run(Array.from({ length: LIMITS.stack }, () => this.request()));
  }

  granted(id: RequestId): void {
    this.claims.claimed(this.turn, owner, { kind: 'name-claimed', requestId: id, holder: undefined });
  }
}

test('names are claimed up to their bound; beyond, a run is refused whole, and what is over makes room', () => {
  const bench = new Bench();
  const stacks = Array.from({ length: LIMITS.nameClaims / LIMITS.stack }, () => bench.stack());
  expect([bench.claims.size, bench.results.size]).toEqual([LIMITS.nameClaims, 0]);
  const sent = bench.sent.length;
  const refused = bench.results.get(bench.stack());
  expect(refused).toEqual({
    ok: false,
    error: {
      code: 'too-many-runs',
      message:
        'this node claims 16384 names for its runs already, of 16384 that it may, and this needs 64; try again later, or on another node',
      changed: false,
    },
  });
  expect([bench.claims.size, bench.sent.length, bench.runs.waiting().length]).toEqual([LIMITS.nameClaims, sent, LIMITS.nameClaims]);
  const cancelled = { code: 'cancelled', message: '', changed: false } as const;
  bench.turn.reply(stacks[0] as CommandId, { ok: false, error: cancelled });
  expect(bench.claims.size).toBe(LIMITS.nameClaims - LIMITS.stack);
  const next = bench.stack();
  expect(bench.results.get(next)).toBeUndefined();
  // Nobody knows what became of it: such claims only wait for their end, and give way, the oldest first.
  bench.turn.reply(stacks[1] as CommandId, { ok: false, error: { ...cancelled, changed: true } });
  expect(bench.claims.size).toBe(LIMITS.nameClaims);
  const last = bench.stack();
  expect([bench.results.get(last), bench.claims.size]).toEqual([undefined, LIMITS.nameClaims]);
  for (const command of [...stacks.slice(2), next, last]) bench.turn.reply(command, { ok: false, error: cancelled });
  expect(bench.claims.size).toBe(0);
});

test('two of a name on one node: the second is refused while the first is under way, not after', () => {
  const bench = new Bench();
  const [first, second, third] = [bench.request('web'), bench.request('web'), bench.request('web')];
  const one = bench.run([first]);
  bench.granted(first.id);
  expect(bench.begun).toBe(1);
  expect(bench.results.get(bench.run([second]))).toMatchObject({ ok: false, error: { code: 'name-taken' } });
  bench.turn.reply(one, { ok: false, error: { code: 'supplier-lost', message: '', changed: true } });
  expect(bench.claims.entries('web')).toEqual([{ containerId: first.containerId, name: 'web', node: self, value: '' }]);
  bench.run([third]);
  expect(bench.claims.entries('web').map((entry) => entry.containerId)).toEqual([third.containerId, first.containerId]);
  const timer = bench.timers.findLast(({ key }) => key === first.id) as Timer;
  bench.claims.timer(bench.turn, timer);
  expect(bench.claims.entries('web').map((entry) => entry.containerId)).toEqual([third.containerId]);
});

test('a request whose name is being claimed is not worked on twice', () => {
  const bench = new Bench();
  const request = bench.request();
  bench.run([request]);
  expect(bench.results.get(bench.run([bench.request(), request]))).toMatchObject({ ok: false, error: { code: 'wrong-state' } });
  expect(bench.claims.size).toBe(1);
});
