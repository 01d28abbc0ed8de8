import { expect, it } from 'vitest';
import { AssertionFailed, assert } from '../../lib/assert.ts';
import { Heap } from '../../lib/heap.ts';
import { Prng } from '../../lib/prng.ts';
import { LIMITS, STREAM_KINDS } from '../model/index.ts';
import type { Event, Hint, Member, MemberRecord, MemberState, MembershipMessage, Message, NodeId, Timer, Turn } from '../model/index.ts';
import { decode, encode, encodedBytes } from '../wire/index.ts';
import { Membership } from './membership.ts';
import { PROFILES } from './profile.ts';
import type { MembershipProfile } from './profile.ts';

/** What the transport's sealing adds to a datagram. */
const SEAL_BYTES = 56;
const SECOND = 1_000;
const HINT: Hint = { region: { class: 'low', cpuBucket: 2, memoryBucket: 4 }, countLevel: 3, splitLevel: 0, stamp: 1_800_000_000 };

/** One process: a life of a node. Messages and timers of an earlier life reach nobody. */
interface Process {
  readonly id: NodeId;
  readonly ip: string;
  readonly membership: Membership;
  readonly events: { readonly atMs: number; readonly event: Event }[];
  readonly changes: { readonly member: Member; readonly previous: Member | undefined }[];
  readonly hints: Hint[];
  incarnation: number;
  sentBytes: number;
  largestBytes: number;
  sent: number;
  kinds: Map<string, number>;
}

interface Network {
  latencyMs: number;
  jitterMs: number;
  loss: number;
  duplication: number;
  /** Whether packets pass between two addresses. */
  passes: (fromIp: string, toIp: string) => boolean;
}

/** A packet network of membership machines in virtual time. The seed reproduces everything. */
class Cluster {
  readonly network: Network = { latencyMs: 1, jitterMs: 4, loss: 0, duplication: 0, passes: () => true };
  readonly profile: MembershipProfile;
  readonly running = new Map<NodeId, Process>();
  readonly incarnations = new Map<NodeId, number>();
  readonly random: Prng;
  nowMs = 0;
  #count = 0;
  readonly #due = new Heap<{ readonly atMs: number; readonly order: number; readonly run: () => void }>(
    (a, b) => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order),
  );

  constructor(seed: number, profile: MembershipProfile = PROFILES.lan) {
    this.random = new Prng(seed);
    this.profile = profile;
  }

  boot(n: number, options: { readonly ip?: string; readonly lastKnown?: readonly MemberRecord[]; readonly hints?: boolean } = {}): Process {
    const record = recordOf(n, (this.incarnations.get(idOf(n)) ?? 0) + 1, options.ip ?? `10.0.0.${n}`);
    const process: Process = {
      id: record.id,
      ip: record.address.ip,
      events: [],
      changes: [],
      hints: [],
      incarnation: record.incarnation,
      sentBytes: 0,
      largestBytes: 0,
      sent: 0,
      kinds: new Map(),
      membership: new Membership({
        self: record,
        profile: this.profile,
        lastKnown: options.lastKnown ?? [],
        encodedBytes,
        takeHints: (count) => (options.hints === true ? Array.from({ length: count }, () => HINT) : []),
        onHints: (_, hints) => void process.hints.push(...hints),
        onChange: (_, member, previous) => void process.changes.push({ member, previous }),
        onIncarnation: (_, incarnation) => this.#persist(process, incarnation),
      }),
    };
    this.#persist(process, record.incarnation);
    this.running.set(process.id, process);
    this.input(process, (turn) => process.membership.start(turn));
    return process;
  }

  /** A new node that joins through `via`, with the members that `via` knows, as core/node will do. */
  join(n: number, via: Process, options: { readonly hints?: boolean } = {}): Process {
    const process = this.boot(n, options);
    const known = via.membership.members().filter((m) => m.state === 'alive' || m.state === 'suspect');
    this.input(process, (turn) => process.membership.learn(turn, known));
    return process;
  }

  grow(count: number, options: { readonly hints?: boolean } = {}): Process[] {
    const first = this.boot(1, options);
    const all = [first];
    for (let n = 2; n <= count; n++) {
      this.run(50);
      all.push(this.join(n, this.random.pick(all) ?? first, options));
    }
    return all;
  }

  crash(process: Process): void {
    this.running.delete(process.id);
  }

  run(forMs: number): void {
    const untilMs = this.nowMs + forMs;
    for (let next = this.#due.peek(); next !== undefined && next.atMs <= untilMs; next = this.#due.peek()) {
      this.#due.pop();
      this.nowMs = next.atMs;
      next.run();
    }
    this.nowMs = untilMs;
  }

  /** How long until `condition` holds; fails after `withinMs`. */
  until(what: string, withinMs: number, condition: () => boolean): number {
    const startedMs = this.nowMs;
    while (!condition()) {
      assert(this.nowMs - startedMs < withinMs, `${what}: not within ${withinMs} ms\n${this.describe()}`);
      this.run(50);
    }
    return this.nowMs - startedMs;
  }

  /** Whether every running node holds exactly the running ones alive, under their newest records. */
  hasConverged(): boolean {
    const running = [...this.running.values()];
    return running.every(
      (one) =>
        running.every((other) => {
          const member = one.membership.member(other.id);
          const own = other.membership.self();
          return member?.state === own.state && member.incarnation === own.incarnation && member.address.ip === other.ip;
        }) && one.membership.alive().length === running.length,
    );
  }

  /** Who lacks or misjudges whom. */
  describe(): string {
    const rows = [...this.running.values()].map((one) => {
      const wrong = [...this.running.values()].filter((other) => one.membership.member(other.id)?.incarnation !== other.incarnation);
      const dead = one.membership.alive().filter((member) => !this.running.has(member.id));
      return wrong.length + dead.length === 0
        ? ''
        : `${one.membership.self().name} errs on ${wrong.map((other) => other.ip).join(' ')}, holds alive ${dead.map((m) => m.name).join(' ')}`;
    });
    return rows.filter((row) => row !== '').join('\n');
  }

  input(process: Process, act: (turn: Turn) => void): void {
    const unused = () => {
      throw new AssertionFailed('membership orders nothing and answers no command');
    };
    act({
      nowMs: this.nowMs,
      wallMs: 1_800_000_000_000 + this.nowMs,
      random: this.random,
      send: (to, message) => this.#send(process, to, message),
      setTimer: (timer, afterMs) => this.#setTimer(process, timer, afterMs),
      perform: unused,
      reply: unused,
      emit: (event) => void process.events.push({ atMs: this.nowMs, event }),
    });
  }

  #setTimer(process: Process, timer: Timer, afterMs: number): void {
    assert(afterMs >= 0, `timer ${timer.name} was set for ${afterMs} ms`);
    this.#after(afterMs, () => {
      if (this.running.get(process.id) === process) this.input(process, (turn) => process.membership.timer(turn, timer));
    });
  }

  #send(process: Process, to: NodeId, message: Message): void {
    const bytes = encode(message);
    const isStream = STREAM_KINDS.has(message.kind);
    if (!isStream) {
      const size = bytes.length + SEAL_BYTES;
      assert(size <= LIMITS.datagramBytes, `a ${message.kind} has ${size} bytes`);
      process.sentBytes += size;
      process.sent++;
      process.kinds.set(message.kind, (process.kinds.get(message.kind) ?? 0) + 1);
      process.largestBytes = Math.max(process.largestBytes, size);
    }
    const toIp = process.membership.member(to)?.address.ip;
    if (toIp === undefined) return;
    const copies = isStream ? 1 : (this.random.chance(this.network.loss) ? 0 : 1) + (this.random.chance(this.network.duplication) ? 1 : 0);
    for (let copy = 0; copy < copies; copy++) {
      this.#after(this.network.latencyMs + this.random.float() * this.network.jitterMs, () => this.#deliver(process, toIp, bytes));
    }
  }

  #deliver(sender: Process, toIp: string, bytes: Uint8Array): void {
    if (!this.network.passes(sender.ip, toIp)) return;
    for (const process of this.running.values()) {
      if (process.ip !== toIp) continue;
      this.input(process, (turn) => process.membership.receive(turn, sender.id, decode(bytes) as MembershipMessage));
    }
  }

  #persist(process: Process, incarnation: number): void {
    process.incarnation = incarnation;
    this.incarnations.set(process.id, incarnation);
  }

  #after(afterMs: number, run: () => void): void {
    this.#due.push({ atMs: this.nowMs + afterMs, order: this.#count++, run });
  }
}

/** Ids spread over the buckets as hashes do. */
const idOf = (n: number): NodeId => new Prng(n).hex(16) as NodeId;

function recordOf(n: number, incarnation: number, ip: string): MemberRecord {
  return {
    id: idOf(n),
    name: `node-${n}`,
    number: n,
    incarnation,
    address: { ip, controlPort: 8001, gossipPort: 8000 },
    class: n % 2 === 0 ? 'high' : 'low',
    arch: 'arm64',
    labels: { site: 'roof', disk: 'ssd' },
    capacity: { cpuMillicores: 4_000, memoryBytes: 4 * 1024 ** 3 },
    underlayMtu: 1_500,
    version: '0.1.0',
    draining: false,
  };
}

const stateOf = (process: Process, id: NodeId): MemberState | undefined => process.membership.member(id)?.state;
const eventsOf = (process: Process, kind: Event['kind']) => process.events.filter(({ event }) => event.kind === kind);

it.each([1, 2, 3])('join: everyone knows everyone (seed %i)', (seed) => {
  for (const count of [3, 10, 50]) {
    const cluster = new Cluster(seed);
    const all = cluster.grow(count);
    cluster.until(`${count} nodes converge`, count < 50 ? 3 * SECOND : 8 * SECOND, () => cluster.hasConverged());
    cluster.run(20 * SECOND);
    expect(cluster.hasConverged()).toBe(true);
    for (const one of all) {
      expect(eventsOf(one, 'member-alive')).toHaveLength(count - 1);
      expect(eventsOf(one, 'member-suspect')).toHaveLength(0);
      expect(one.changes).toHaveLength(count);
      expect(one.incarnation).toBe(1);
    }
  }
});

it.each([4, 5, 6])('crash: detected by all, once, within a bound that grows with log N (seed %i)', (seed) => {
  for (const [count, withinMs] of [
    [3, 6 * SECOND],
    [10, 8 * SECOND],
    [50, 14 * SECOND],
  ] as const) {
    const cluster = new Cluster(seed);
    const all = cluster.grow(count);
    cluster.run(5 * SECOND);
    const victim = all[1] as Process;
    cluster.crash(victim);
    const survivors = all.filter((one) => one !== victim);
    cluster.until('the crash is known', withinMs, () => survivors.every((one) => stateOf(one, victim.id) === 'dead'));
    cluster.run(20 * SECOND);
    expect(cluster.hasConverged()).toBe(true);
    for (const one of survivors) {
      expect(eventsOf(one, 'member-dead').map(({ event }) => event)).toEqual([{ kind: 'member-dead', nodeId: victim.id, name: 'node-2' }]);
      expect(one.incarnation).toBe(1);
    }
  }
});

it.each([7, 8])('leave: known at once, never suspected (seed %i)', (seed) => {
  const cluster = new Cluster(seed);
  const all = cluster.grow(10);
  cluster.run(5 * SECOND);
  const leaver = all[3] as Process;
  cluster.input(leaver, (turn) => leaver.membership.leave(turn));
  cluster.run(100);
  cluster.crash(leaver);
  const rest = all.filter((one) => one !== leaver);
  cluster.until('the leave is known', 2 * SECOND, () => rest.every((one) => stateOf(one, leaver.id) === 'left'));
  cluster.run(30 * SECOND);
  for (const one of rest) {
    expect(eventsOf(one, 'member-suspect')).toHaveLength(0);
    expect(one.membership.alive()).toHaveLength(9);
  }
  // A node that left may come again.
  const again = cluster.boot(4, { lastKnown: leaver.membership.members() });
  cluster.until('the leaver is back', 5 * SECOND, () => cluster.hasConverged());
  expect(again.incarnation).toBeGreaterThan(leaver.incarnation);
});

it.each([9])('two that leave together do not tell each other without end (seed %i)', (seed) => {
  const cluster = new Cluster(seed);
  const [a, b] = cluster.grow(2) as [Process, Process];
  cluster.run(5 * SECOND);
  cluster.input(a, (turn) => a.membership.leave(turn));
  cluster.input(b, (turn) => b.membership.leave(turn));
  cluster.run(5 * SECOND);
  const sent = a.sent + b.sent;
  cluster.run(60 * SECOND);
  expect(a.sent + b.sent).toBe(sent);
});

it.each([10, 11])('false suspicion: refuted by a higher incarnation, nobody dies (seed %i)', (seed) => {
  const cluster = new Cluster(seed);
  const all = cluster.grow(10);
  cluster.run(5 * SECOND);
  const slow = all[4] as Process;
  // Deaf and mute for a little longer than a probe, shorter than any suspicion.
  cluster.network.passes = (from, to) => from !== slow.ip && to !== slow.ip;
  cluster.until('somebody suspects it', 10 * SECOND, () => all.some((one) => stateOf(one, slow.id) === 'suspect'));
  cluster.network.passes = () => true;
  cluster.until('it refutes', 5 * SECOND, () => eventsOf(slow, 'refuted').length > 0);
  cluster.until('all know', 5 * SECOND, () => cluster.hasConverged());
  expect(slow.incarnation).toBeGreaterThan(1);
  for (const one of all) expect(eventsOf(one, 'member-dead')).toHaveLength(0);
});

it.each([12, 13])('a cut link between two members: relayed pings keep both alive (seed %i)', (seed) => {
  const cluster = new Cluster(seed);
  const all = cluster.grow(8);
  cluster.run(5 * SECOND);
  const [a, b] = all as [Process, Process];
  cluster.network.passes = (from, to) => !(from === a.ip && to === b.ip) && !(from === b.ip && to === a.ip);
  cluster.run(120 * SECOND);
  for (const one of all) expect(eventsOf(one, 'member-dead')).toHaveLength(0);
});

it.each([14, 15, 16])('partition: both sides go on and grow together after healing (seed %i)', (seed) => {
  for (const [count, split] of [
    [3, 1],
    [4, 2],
    [20, 10],
  ] as const) {
    const cluster = new Cluster(seed);
    const all = cluster.grow(count);
    cluster.run(5 * SECOND);
    const left = new Set(all.slice(0, split).map((one) => one.ip));
    cluster.network.passes = (from, to) => left.has(from) === left.has(to);
    cluster.until('each side holds the other dead', 60 * SECOND, () =>
      all.every((one) => one.membership.alive().length === (left.has(one.ip) ? split : count - split)),
    );
    // Something happens on one side meanwhile.
    const changed = all.at(-1) as Process;
    cluster.input(changed, (turn) => changed.membership.describe(turn, { labels: { site: 'cellar' } }));
    cluster.run(120 * SECOND);
    cluster.network.passes = () => true;
    cluster.until('the halves have found each other', 60 * SECOND, () => cluster.hasConverged());
    cluster.run(60 * SECOND);
    expect(cluster.hasConverged()).toBe(true);
    for (const one of all) expect(one.membership.member(changed.id)?.labels).toEqual({ site: 'cellar' });
  }
});

it.each([17, 18, 19])('restart with a new address, from the last known members (seed %i)', (seed) => {
  const cluster = new Cluster(seed);
  const all = cluster.grow(12);
  cluster.run(5 * SECOND);
  const victim = all[2] as Process;
  const gone = all[5] as Process;
  const lastKnown = victim.membership.members();
  cluster.crash(victim);
  cluster.crash(gone);
  // Once before anybody noticed, once after.
  if (seed !== 17) cluster.run(30 * SECOND);
  const back = cluster.boot(3, { ip: '10.9.9.9', lastKnown });
  expect(back.membership.alive()).toHaveLength(12);
  expect(eventsOf(back, 'member-alive')).toHaveLength(0);
  cluster.until('it is known under its new address', 20 * SECOND, () =>
    [...cluster.running.values()].every(
      (one) => one.membership.member(back.id)?.address.ip === '10.9.9.9' && stateOf(one, back.id) === 'alive',
    ),
  );
  cluster.until('what died meanwhile is found dead', 30 * SECOND, () => cluster.hasConverged());
  expect(stateOf(back, gone.id)).toBe('dead');
  expect(back.incarnation).toBeGreaterThan(victim.incarnation);
});

it.each([20, 21])('a whole instance restarts, half of it with new addresses (seed %i)', (seed) => {
  const cluster = new Cluster(seed);
  const all = cluster.grow(6);
  cluster.run(5 * SECOND);
  const tables = all.map((one) => one.membership.members());
  for (const one of all) cluster.crash(one);
  cluster.run(60 * SECOND);
  for (let n = 1; n <= 6; n++) {
    const lastKnown = tables[n - 1] ?? [];
    cluster.boot(n, n % 2 === 0 ? { lastKnown, ip: `10.7.0.${n}` } : { lastKnown });
    cluster.run(700);
  }
  cluster.until('all know all again', 60 * SECOND, () => cluster.hasConverged());
  for (const one of cluster.running.values()) expect(one.membership.alive()).toHaveLength(6);
});

it.each([22])('an address change while running is one new record (seed %i)', (seed) => {
  const cluster = new Cluster(seed);
  const all = cluster.grow(6);
  cluster.run(5 * SECOND);
  const mover = all[1] as Process;
  const moved: Process = Object.assign(mover, { ip: '10.8.0.1' });
  const address = { ip: moved.ip, controlPort: 8001, gossipPort: 8000 };
  cluster.input(moved, (turn) => moved.membership.describe(turn, { address }));
  cluster.input(moved, (turn) => moved.membership.describe(turn, { address }));
  cluster.until('all know the new address', 5 * SECOND, () => cluster.hasConverged());
  for (const one of all) expect(eventsOf(one, 'member-dead')).toHaveLength(0);
  const own = moved.changes.filter(({ member }) => member.id === moved.id);
  expect(own.map(({ member }) => member.address.ip)).toContain('10.8.0.1');
});

it.each([23, 24])('30 percent loss, 5 percent duplicates: false deaths heal, no live member stays dead (seed %i)', (seed) => {
  const cluster = new Cluster(seed);
  const all = cluster.grow(20);
  Object.assign(cluster.network, { loss: 0.3, duplication: 0.05 });
  let checks = 0;
  let present = 0;
  for (let second = 0; second < 120; second++) {
    cluster.run(SECOND);
    for (const one of all) {
      checks += 19;
      present += one.membership.alive().length - 1;
    }
  }
  expect(present / checks).toBeGreaterThan(0.99);
  Object.assign(cluster.network, { loss: 0, duplication: 0 });
  cluster.until('all converge once the network is good', 60 * SECOND, () => cluster.hasConverged());
});

it.each([26])('30 percent loss: a crash is still found (seed %i)', (seed) => {
  const cluster = new Cluster(seed);
  const all = cluster.grow(20);
  cluster.network.loss = 0.3;
  cluster.run(30 * SECOND);
  const victim = all[7] as Process;
  cluster.crash(victim);
  const rest = all.filter((one) => one !== victim);
  cluster.until('the crash is known', 120 * SECOND, () => rest.every((one) => stateOf(one, victim.id) === 'dead'));
  for (const one of rest)
    expect(eventsOf(one, 'member-dead').some(({ event }) => event.kind === 'member-dead' && event.nodeId === victim.id)).toBe(true);
});

it.each([27])('gossip lost entirely: sync alone brings the news (seed %i)', (seed) => {
  const cluster = new Cluster(seed, { ...PROFILES.lan, gossipFanout: 0, retransmit: 0 });
  const all = cluster.grow(8);
  cluster.run(60 * SECOND);
  const changed = all[0] as Process;
  cluster.input(changed, (turn) => changed.membership.describe(turn, { draining: true }));
  cluster.until('all know', 300 * SECOND, () => all.every((one) => one.membership.member(changed.id)?.draining === true));
  for (const one of all) expect(one.kinds.has('gossip')).toBe(false);
});

it.each([28, 29])('churn: crashes, restarts and joins under load leave one table (seed %i)', (seed) => {
  const cluster = new Cluster(seed);
  const all = cluster.grow(15);
  Object.assign(cluster.network, { loss: 0.05, duplication: 0.02, latencyMs: 5, jitterMs: 60 });
  let next = 16;
  for (let round = 0; round < 20; round++) {
    const some = cluster.random.pick([...cluster.running.values()]) as Process;
    if (round % 3 === 0) cluster.join(next++, some);
    else {
      cluster.crash(some);
      cluster.run(cluster.random.int(12) * SECOND);
      const n = some.membership.self().number;
      cluster.boot(n, { lastKnown: some.membership.members(), ip: `10.${round + 1}.0.${n}` });
    }
    cluster.run(cluster.random.int(4) * SECOND);
  }
  expect(all).toHaveLength(15);
  cluster.until('one table', 120 * SECOND, () => cluster.hasConverged());
});

it.each([30])('idle: within 1 kB/s of UDP payload a node, sealing included (seed %i)', (seed) => {
  for (const count of [2, 3, 30]) {
    for (const hints of [false, true]) {
      const cluster = new Cluster(seed);
      const all = cluster.grow(count, { hints });
      cluster.run(60 * SECOND);
      for (const one of all) Object.assign(one, { sentBytes: 0, sent: 0, kinds: new Map() });
      cluster.run(60 * SECOND);
      for (const one of all) {
        expect(one.sentBytes / 60).toBeLessThan(hints ? 1_000 : 400);
        expect([...one.kinds.keys()].toSorted()).toEqual(['ack', 'ping']);
      }
      if (hints) expect(all.every((one) => one.hints.length > 0)).toBe(true);
    }
  }
});

it.each([31])('idle with one member dead: still within 1 kB/s (seed %i)', (seed) => {
  const cluster = new Cluster(seed);
  const all = cluster.grow(3);
  cluster.run(10 * SECOND);
  cluster.crash(all[2] as Process);
  cluster.run(60 * SECOND);
  for (const one of all) Object.assign(one, { sentBytes: 0 });
  cluster.run(60 * SECOND);
  for (const one of all.slice(0, 2)) expect(one.sentBytes / 60).toBeLessThan(500);
});

it.each([32])('the dead are forgotten after their bound, and not brought back by others (seed %i)', (seed) => {
  const cluster = new Cluster(seed, { ...PROFILES.lan, deadKeptMs: 120 * SECOND });
  const all = cluster.grow(6);
  cluster.run(5 * SECOND);
  const victim = all[0] as Process;
  cluster.crash(victim);
  cluster.run(100 * SECOND);
  expect(stateOf(all[1] as Process, victim.id)).toBe('dead');
  cluster.run(120 * SECOND);
  for (const one of all.slice(1)) expect(stateOf(one, victim.id)).toBeUndefined();
  const joiner = cluster.join(7, all[1] as Process);
  cluster.run(120 * SECOND);
  for (const one of [...all.slice(1), joiner]) expect(one.membership.members()).toHaveLength(6);
});

it.each([33])('the same seed gives the same run (seed %i)', (seed) => {
  const trace = () => {
    const cluster = new Cluster(seed);
    cluster.network.loss = 0.2;
    const all = cluster.grow(8);
    cluster.run(30 * SECOND);
    return all.map((one) => [one.events, one.sentBytes]);
  };
  expect(trace()).toEqual(trace());
});

it.each([34])('the other profiles find a crash, too (seed %i)', (seed) => {
  for (const [profile, withinMs] of [
    [PROFILES.wan, 90 * SECOND],
    [PROFILES.sim, 20 * SECOND],
  ] as const) {
    const cluster = new Cluster(seed, profile);
    Object.assign(cluster.network, { latencyMs: 5, jitterMs: 75 });
    const all = cluster.grow(12);
    cluster.run(30 * SECOND);
    expect(cluster.hasConverged()).toBe(true);
    const victim = all[1] as Process;
    cluster.crash(victim);
    cluster.until('the crash is known', withinMs, () => cluster.hasConverged());
  }
});
