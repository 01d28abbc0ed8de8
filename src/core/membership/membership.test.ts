import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Prng } from '../../lib/prng.ts';
import { LIMITS, STREAM_KINDS } from '../model/index.ts';
import type { Event, Member, MemberRecord, MembershipMessage, Message, NodeId, Rumour, Timer, Turn } from '../model/index.ts';
import { encodedBytes } from '../wire/index.ts';
import { rumourId } from './member-index.ts';
import { Membership } from './membership.ts';
import { PROFILES } from './profile.ts';

const idOf = (n: number): NodeId => new Prng(n).hex(16) as NodeId;

function recordOf(n: number, incarnation = 1): MemberRecord {
  return {
    id: idOf(n),
    name: `node-${n}`,
    number: n,
    incarnation,
    address: { ip: `10.0.${incarnation}.${n}`, controlPort: 8001, gossipPort: 8000 },
    class: 'low',
    arch: 'amd64',
    labels: {},
    capacity: { cpuMillicores: 4_000, memoryBytes: 2 ** 32 },
    underlayMtu: 1_500,
    version: '0.1.0',
    draining: false,
  };
}

const SELF = idOf(0);
const A = idOf(1);
const B = idOf(2);
const STRANGER = idOf(99);

const stateRumour = (n: number, incarnation: number, state: 'suspect' | 'dead' | 'left', from = 3): Rumour => ({
  kind: 'state',
  shortId: rumourId(idOf(n)),
  incarnation,
  state,
  from: rumourId(idOf(from)),
});
const recordRumour = (n: number, incarnation: number): Rumour => ({
  kind: 'record',
  member: { ...recordOf(n, incarnation), state: 'alive' },
});
const gossip = (...rumours: Rumour[]): MembershipMessage => ({ kind: 'gossip', gossip: rumours, hints: [] });

const sequenceOf = (message: Message | undefined): number => (message?.kind === 'ping' ? message.sequence : expect.unreachable('no ping'));

/** One machine, with what it did since it was last asked. */
class Bench {
  readonly membership: Membership;
  readonly incarnations: number[] = [];
  readonly timers: { readonly timer: Timer; readonly atMs: number }[] = [];
  sent: { readonly to: NodeId; readonly message: Message }[] = [];
  events: Event[] = [];
  nowMs = 0;
  readonly #random = new Prng(1);

  /** @param others how many other members it knows: 1, 2, … */
  constructor(others = 3) {
    this.membership = new Membership({
      self: recordOf(0),
      profile: PROFILES.lan,
      lastKnown: Array.from({ length: others }, (_, n) => recordOf(n + 1)),
      encodedBytes,
      takeHints: () => [],
      onHints: () => {},
      onChange: () => {},
      onIncarnation: (_, incarnation) => void this.incarnations.push(incarnation),
    });
    this.act((turn) => this.membership.start(turn));
    // The first sync is answered: it has joined.
    this.receive(A, { kind: 'sync-reply', members: [], wanted: [] });
    this.nowMs = 10_000;
    this.sent = [];
  }

  act(input: (turn: Turn) => void): void {
    const unused = () => expect.unreachable();
    input({
      nowMs: this.nowMs,
      wallMs: 0,
      random: this.#random,
      send: (to, message) => void this.sent.push({ to, message }),
      setTimer: (timer, afterMs) => void this.timers.push({ timer, atMs: this.nowMs + afterMs }),
      perform: unused,
      reply: unused,
      emit: (event) => void this.events.push(event),
    });
  }

  /** Receives a message; gives what it sent in answer. */
  receive(from: NodeId, message: MembershipMessage): readonly { readonly to: NodeId; readonly message: Message }[] {
    const before = this.sent.length;
    this.act((turn) => this.membership.receive(turn, from, message));
    return this.sent.slice(before);
  }

  /** Fires the newest timer of a name (and key). */
  fire(name: string, key?: string): readonly { readonly to: NodeId; readonly message: Message }[] {
    const found = this.timers.findLast(({ timer }) => timer.name === name && (key === undefined || timer.key === key));
    if (found === undefined) return expect.unreachable(`no timer ${name}`);
    this.nowMs = Math.max(this.nowMs, found.atMs);
    const before = this.sent.length;
    this.act((turn) => this.membership.timer(turn, found.timer));
    return this.sent.slice(before);
  }
}

describe('a record of somebody who is alive all the while', () => {
  const newer = (change: Partial<MemberRecord>): Rumour => ({
    kind: 'record',
    member: { ...recordOf(1), incarnation: 5, ...change, state: 'alive' },
  });
  const address = { ...recordOf(1).address, ip: '10.9.9.9' };

  it.each([
    ['another address', newer({ address }), 1],
    ['a smaller MTU', newer({ underlayMtu: 1_400 }), 1],
    ['other labels', newer({ labels: { a: 'b' } }), 0],
    ['nothing else', newer({}), 0],
  ])('with %s', (_what, rumour, told) => {
    const bench = new Bench();
    bench.receive(B, gossip(rumour));
    bench.receive(B, gossip(rumour));
    // Whoever sends packets to it must hear of where it is.
    expect(bench.events.filter(({ kind }) => kind === 'member-alive')).toHaveLength(told);
  });
});

describe('pings', () => {
  it('are answered by the node that was meant, not by another at its address', () => {
    const bench = new Bench();
    const ping = { kind: 'ping', sequence: 7, gossip: [], hints: [] } as const;
    expect(bench.receive(A, { ...ping, target: SELF })).toMatchObject([{ to: A, message: { kind: 'ack', sequence: 7 } }]);
    expect(bench.receive(A, { ...ping, target: STRANGER })).toEqual([]);
    expect(bench.receive(SELF, { ...ping, target: SELF })).toEqual([]);
  });

  it('on behalf of others end in one ack or one nack', () => {
    const bench = new Bench();
    const request = { kind: 'ping-request', sequence: 7, gossip: [], hints: [] } as const;
    const [ping] = bench.receive(A, { ...request, target: B });
    expect(ping).toMatchObject({ to: B, message: { kind: 'ping', target: B } });
    const sequence = sequenceOf(ping?.message);
    // Only the target's own ack counts.
    expect(bench.receive(A, { kind: 'ack', sequence, gossip: [], hints: [] })).toEqual([]);
    expect(bench.receive(B, { kind: 'ack', sequence, gossip: [], hints: [] })).toMatchObject([
      { to: A, message: { kind: 'ack', sequence: 7 } },
    ]);
    expect(bench.fire('relay')).toEqual([]);

    bench.receive(A, { ...request, sequence: 8, target: B });
    expect(bench.fire('relay')).toEqual([{ to: A, message: { kind: 'nack', sequence: 8 } }]);
    expect(bench.receive(A, { ...request, sequence: 9, target: STRANGER })).toEqual([{ to: A, message: { kind: 'nack', sequence: 9 } }]);
  });
});

describe('a probe', () => {
  it('asks others, then suspects, then gives up', () => {
    const bench = new Bench();
    const [ping] = bench.fire('probe');
    const target = ping?.to as NodeId;
    expect(ping?.message).toMatchObject({ kind: 'ping', target });
    const asked = bench.fire('probe-timeout');
    expect(new Set(asked.map(({ to }) => to))).toEqual(new Set([1, 2, 3].map(idOf).filter((id) => id !== target)));
    expect(asked[0]?.message).toMatchObject({ kind: 'ping-request', target });
    bench.fire('probe');
    expect(bench.membership.member(target)?.state).toBe('suspect');
    expect(bench.membership.alive()).toHaveLength(4);
    bench.fire('suspicion', target);
    expect(bench.membership.member(target)?.state).toBe('dead');
    expect(bench.membership.alive()).toHaveLength(3);
    expect(bench.events.map((event) => event.kind)).toEqual(['member-suspect', 'member-dead']);
  });

  it('succeeds by a relayed ack, from somebody who was asked', () => {
    const bench = new Bench();
    const [ping] = bench.fire('probe');
    const target = ping?.to as NodeId;
    const sequence = sequenceOf(ping?.message);
    const ack = { kind: 'ack', sequence, gossip: [], hints: [] } as const;
    const [first] = bench.fire('probe-timeout');
    bench.receive(STRANGER, ack);
    bench.receive(first?.to as NodeId, ack);
    bench.fire('probe');
    expect(bench.membership.member(target)?.state).toBe('alive');
  });

  it('ignores stale timers', () => {
    const bench = new Bench();
    const stale = bench.timers.find(({ timer }) => timer.name === 'probe')?.timer as Timer;
    bench.fire('probe');
    const sent = bench.sent.length;
    bench.act((turn) => bench.membership.timer(turn, stale));
    expect(bench.sent).toHaveLength(sent);
  });
});

describe('claims', () => {
  it('against this node are refuted, made durable and answered to who told it', () => {
    const bench = new Bench();
    const answer = bench.receive(A, gossip(stateRumour(0, 1, 'suspect')));
    expect(bench.incarnations).toEqual([2]);
    expect(answer).toMatchObject([
      { to: A, message: { kind: 'gossip', gossip: [{ kind: 'record', member: { id: SELF, incarnation: 2 } }] } },
    ]);
    expect(bench.events).toEqual([{ kind: 'refuted', incarnation: 2 }]);
    // Who is behind is told; nothing is raised again.
    expect(bench.receive(B, gossip(stateRumour(0, 1, 'dead')))).toMatchObject([{ to: B, message: { kind: 'gossip' } }]);
    expect(bench.incarnations).toEqual([2]);
    // A life whose last incarnation was lost.
    bench.receive(B, gossip(recordRumour(0, 9)));
    expect(bench.membership.self().incarnation).toBe(10);
  });

  it('under a lower incarnation never override', () => {
    const bench = new Bench();
    bench.receive(A, gossip(recordRumour(2, 5)));
    bench.receive(A, gossip(stateRumour(2, 4, 'dead'), recordRumour(2, 3)));
    expect(bench.membership.member(B)).toMatchObject({ state: 'alive', incarnation: 5, address: { ip: '10.0.5.2' } });
    bench.receive(A, gossip(stateRumour(2, 5, 'dead'), recordRumour(2, 5)));
    expect(bench.membership.member(B)?.state).toBe('dead');
  });

  it('by a sync that somebody is dead only make suspect whom we hold alive', () => {
    const bench = new Bench();
    const members: Member[] = [
      { ...recordOf(2), state: 'dead' },
      { ...recordOf(50), state: 'dead' },
      { ...recordOf(51), state: 'alive' },
    ];
    bench.receive(A, { kind: 'sync-reply', members, wanted: [] });
    expect(bench.membership.member(B)?.state).toBe('suspect');
    expect(bench.membership.member(idOf(50))).toBeUndefined();
    expect(bench.membership.member(idOf(51))?.state).toBe('alive');
  });

  it('end in the same table whatever order they are heard in', () => {
    const rumour = fc.oneof(
      fc
        .record({ n: fc.integer({ min: 1, max: 3 }), incarnation: fc.integer({ min: 0, max: 4 }) })
        .map((r) => recordRumour(r.n, r.incarnation)),
      fc
        .record({
          n: fc.integer({ min: 1, max: 3 }),
          incarnation: fc.integer({ min: 0, max: 4 }),
          state: fc.constantFrom('suspect' as const, 'dead' as const, 'left' as const),
        })
        .map((r) => stateRumour(r.n, r.incarnation, r.state)),
    );
    fc.assert(
      fc.property(
        fc.array(rumour, { maxLength: 12 }).chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length }))),
        ([all, shuffled]) => {
          const [one, other] = [new Bench(), new Bench()];
          for (const item of all) one.receive(A, gossip(item));
          other.receive(B, gossip(...shuffled));
          expect(other.membership.members()).toEqual(one.membership.members());
        },
      ),
    );
  });
});

describe('what is unknown', () => {
  it('a suspect nobody told us of: asks who did, at most once a second', () => {
    const bench = new Bench();
    expect(bench.receive(A, gossip(stateRumour(77, 1, 'suspect'))).map(({ message }) => message.kind)).toEqual(['sync-request']);
    expect(bench.receive(A, gossip(stateRumour(78, 1, 'suspect')))).toEqual([]);
    bench.nowMs += PROFILES.lan.syncMinMs;
    expect(bench.receive(A, gossip(stateRumour(78, 1, 'suspect')))).toHaveLength(1);
    bench.nowMs += PROFILES.lan.syncMinMs;
    // The dead are no loss.
    expect(bench.receive(A, gossip(stateRumour(79, 1, 'dead')))).toEqual([]);
    // A state ahead of the record we hold: the record is asked for.
    expect(bench.receive(A, gossip(stateRumour(2, 4, 'suspect')))).toHaveLength(1);
  });

  it('an unknown sender: asks somebody known', () => {
    const bench = new Bench();
    const sent = bench.receive(STRANGER, { kind: 'nack', sequence: 1 });
    expect(sent.at(-1)?.message.kind).toBe('sync-request');
    expect([1, 2, 3].map(idOf)).toContain(sent.at(-1)?.to);
  });

  it('a dead sender is told, and so refutes', () => {
    const bench = new Bench();
    bench.receive(A, gossip(stateRumour(2, 1, 'dead')));
    const [answer] = bench.receive(B, { kind: 'nack', sequence: 1 });
    expect(answer).toMatchObject({
      to: B,
      message: { kind: 'gossip', gossip: [{ shortId: rumourId(B), state: 'dead' }, { kind: 'record' }] },
    });
    bench.nowMs += PROFILES.lan.syncMinMs;
    const sent = bench.receive(B, gossip(recordRumour(2, 2)));
    expect(bench.membership.member(B)?.state).toBe('alive');
    expect(sent.at(-1)).toMatchObject({ to: B, message: { kind: 'sync-request' } });
  });
});

describe('sync', () => {
  it('answers the buckets that differ, wants them back, and ends there', () => {
    const [one, other] = [new Bench(), new Bench()];
    one.receive(A, gossip(recordRumour(2, 3)));
    const buckets = () => {
      one.nowMs += 60_000;
      return one.fire('sync').find(({ message }) => message.kind === 'sync-request')?.message as MembershipMessage;
    };
    const [reply] = other.receive(A, buckets());
    const bucket = Number.parseInt(B.slice(0, 2), 16);
    expect(reply?.message).toMatchObject({ kind: 'sync-reply', members: [{ id: B, incarnation: 1 }], wanted: [bucket] });
    const [back] = one.receive(A, reply?.message as MembershipMessage);
    expect(back?.message).toMatchObject({ kind: 'sync-reply', members: [{ id: B, incarnation: 3 }], wanted: [] });
    expect(other.receive(A, back?.message as MembershipMessage)).toEqual([]);
    expect(other.membership.member(B)?.incarnation).toBe(3);
    expect(other.receive(A, buckets())[0]?.message).toEqual({ kind: 'sync-reply', members: [], wanted: [] });
    expect(other.receive(A, { kind: 'sync-request', buckets: [] })[0]?.message).toMatchObject({ members: { length: 4 } });
  });
});

describe('bounds', () => {
  it('packets hold under any amount of news, with the largest records', () => {
    const bench = new Bench();
    for (let n = 10; n < 300; n++) {
      const labels = { key: 'v'.repeat(LIMITS.labelBytes - 3) };
      const member: Member = { ...recordOf(n), name: 'n'.repeat(LIMITS.nameBytes), version: 'v'.repeat(64), labels, state: 'alive' };
      bench.receive(A, { kind: 'gossip', gossip: [{ kind: 'record', member }, stateRumour(n, 1, 'suspect')], hints: [] });
    }
    for (let round = 0; round < 50; round++) bench.fire('gossip');
    const packets = bench.sent.filter(({ message }) => message.kind === 'gossip');
    expect(packets.length).toBeGreaterThan(100);
    for (const { message } of packets) {
      expect(encodedBytes(message)).toBeLessThanOrEqual(LIMITS.datagramBytes - PROFILES.lan.sealBytes);
      expect(message.kind === 'gossip' && message.gossip.length).toBeLessThanOrEqual(LIMITS.gossipPerPacket);
    }
  });

  it('hold under any messages: nothing throws, answers are few and fit', () => {
    const who = fc.integer({ min: 0, max: 6 });
    const incarnation = fc.nat(5);
    const state = fc.constantFrom('alive' as const, 'suspect' as const, 'dead' as const, 'left' as const);
    const member = fc.record({ who, incarnation, state }).map((m): Member => ({ ...recordOf(m.who, m.incarnation), state: m.state }));
    const rumour: fc.Arbitrary<Rumour> = fc.oneof(
      member.map((m): Rumour => ({ kind: 'record', member: m })),
      fc
        .record({ who, incarnation, state: fc.constantFrom('suspect' as const, 'dead' as const, 'left' as const), from: who })
        .map((r) => stateRumour(r.who, r.incarnation, r.state, r.from)),
    );
    const sequence = fc.nat(0xffff_ffff);
    const piggyback = fc.array(rumour, { maxLength: 4 }).map((rumours) => ({ gossip: rumours, hints: [] }));
    const message: fc.Arbitrary<MembershipMessage> = fc.oneof(
      fc
        .record({ sequence, who, piggyback })
        .map((m) => ({ kind: 'ping' as const, sequence: m.sequence, target: idOf(m.who), ...m.piggyback })),
      fc
        .record({ sequence, who, piggyback })
        .map((m) => ({ kind: 'ping-request' as const, sequence: m.sequence, target: idOf(m.who), ...m.piggyback })),
      fc.record({ sequence, piggyback }).map((m) => ({ kind: 'ack' as const, sequence: m.sequence, ...m.piggyback })),
      sequence.map((s) => ({ kind: 'nack' as const, sequence: s })),
      piggyback.map((p) => ({ kind: 'gossip' as const, ...p })),
      fc.array(fc.nat(0xffff_ffff), { maxLength: 256 }).map((buckets) => ({ kind: 'sync-request' as const, buckets })),
      fc
        .record({ members: fc.array(member, { maxLength: 6 }), wanted: fc.array(fc.nat(255), { maxLength: 4 }) })
        .map((m) => ({ kind: 'sync-reply' as const, ...m })),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(who, message, fc.boolean()), { maxLength: 30 }), (inputs) => {
        const bench = new Bench();
        for (const [from, input, fires] of inputs) {
          const answers = bench.receive(idOf(from), input);
          // At most an answer, a refutation for each rumour, what tells a dead sender, and a sync.
          expect(answers.length).toBeLessThanOrEqual(12);
          for (const answer of answers) {
            if (!STREAM_KINDS.has(answer.message.kind)) expect(encodedBytes(answer.message)).toBeLessThanOrEqual(1_136);
          }
          if (fires) for (const { timer } of bench.timers.splice(0)) bench.act((turn) => bench.membership.timer(turn, timer));
          bench.nowMs += 100;
        }
        expect(bench.membership.self()).toMatchObject({ id: SELF, state: 'alive' });
        expect(bench.membership.members().length).toBeLessThanOrEqual(7);
      }),
    );
  });
});
