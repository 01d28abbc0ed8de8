import { describe, expect, it } from 'vitest';
import type { NodeId } from '../../core/model/index.ts';
import { Prng } from '../../lib/prng.ts';
import { AbsenceBook, type KeptAbsences, LONGEST_STEP_MS, type SeenNode } from './absence-book.ts';
import { testSeed } from '../../../test/seed.ts';

const MINUTE = 60_000;
const LIMIT = 180 * MINUTE;
const idOf = (n: number): NodeId => n.toString(16).padStart(32, '0') as NodeId;

/** One member's book; nodes 1, 2 … are here or away as told. */
class Watcher {
  book = new AbsenceBook(LIMIT, {});
  nowMs = 5_000;
  readonly incarnations = new Map<number, number>();

  look(here: readonly number[], away: readonly number[], hasMajority = true): boolean {
    const seen = (isHere: boolean) => (n: number) => ({ id: idOf(n), isHere, incarnation: this.incarnations.get(n) ?? 1 });
    return this.book.look({ nowMs: this.nowMs, hasMajority, nodes: [...here.map(seen(true)), ...away.map(seen(false))] });
  }

  /** A look each minute. */
  pass(minutes: number, here: readonly number[], away: readonly number[], hasMajority = true): this {
    for (let minute = 0; minute < minutes; minute++) {
      this.nowMs += MINUTE;
      this.look(here, away, hasMajority);
    }
    return this;
  }

  restart(): this {
    this.book = new AbsenceBook(LIMIT, JSON.parse(JSON.stringify(this.book.kept())) as KeptAbsences);
    // Another boot: its clock begins anew.
    this.nowMs = 1_000;
    return this;
  }

  gone(): readonly number[] {
    return this.book.gone().map((id) => Number.parseInt(id, 16));
  }
}

describe('an absence', () => {
  it('is long after the limit, and over when the node is seen', () => {
    const watcher = new Watcher().pass(10, [1, 2, 3], []).pass(180, [1, 2], [3]);
    expect(watcher.gone()).toEqual([]);
    expect(watcher.pass(1, [1, 2], [3]).gone()).toEqual([3]);
    watcher.nowMs += MINUTE;
    expect(watcher.look([1, 2, 3], [])).toBe(true);
    expect(watcher.pass(100, [1, 2], [3]).gone()).toEqual([]);
  });

  it('is over when the node was seen between two looks', () => {
    const watcher = new Watcher().pass(170, [1, 2], [3]);
    expect([watcher.book.sawAlive(idOf(3)), watcher.book.sawAlive(idOf(1))]).toEqual([true, false]);
    expect(watcher.pass(100, [1, 2], [3]).gone()).toEqual([]);
  });

  it('goes on after a restart, not before the others had time to come', () => {
    const watcher = new Watcher().pass(179, [1, 2], [3]).restart();
    expect(watcher.pass(10, [1, 2], [3]).gone()).toEqual([]);
    expect(watcher.pass(40, [1, 2], [3]).gone()).toEqual([3]);
  });

  it('is not the time in which all were off, however long', () => {
    const watcher = new Watcher().pass(20, [1, 2, 3], []).restart();
    watcher.nowMs += 30 * 24 * 60 * MINUTE;
    // All come back one after the other.
    expect(watcher.pass(30, [], [1, 2, 3]).pass(30, [1], [2, 3]).pass(60, [1, 2], [3]).gone()).toEqual([]);
  });

  it('counts little where the clock makes a leap, and nothing where it goes back', () => {
    const watcher = new Watcher().pass(10, [1, 2], [3]);
    watcher.nowMs += 30 * 24 * 60 * MINUTE;
    watcher.look([1, 2], [3]);
    expect(watcher.book.kept()[idOf(3)]?.ms).toBe(9 * MINUTE + LONGEST_STEP_MS);
    watcher.nowMs -= 1e9;
    watcher.look([1, 2], [3]);
    expect(watcher.book.kept()[idOf(3)]?.ms).toBe(9 * MINUTE + LONGEST_STEP_MS);
  });

  it('is not counted by one that was cut off: without a majority, or with less than half of the others', () => {
    const watcher = new Watcher();
    expect(watcher.pass(400, [1, 2], [3], false).gone()).toEqual([]);
    expect(watcher.pass(400, [], [1, 2, 3]).gone()).toEqual([]);
    expect(watcher.pass(400, [1], [2, 3]).gone()).toEqual([]);
    // Of two nodes nobody can tell who is away.
    expect(new Watcher().pass(400, [], [1]).gone()).toEqual([]);
  });

  it('of those long lost hinders no other from being lost', () => {
    const watcher = new Watcher().pass(200, [1, 2, 3, 4], [5, 6, 7]);
    expect(watcher.gone()).toEqual([5, 6, 7]);
    expect(watcher.pass(200, [1, 2], [3, 4, 5, 6, 7]).gone()).toEqual([5, 6, 7, 3, 4]);
  });

  it('begins anew for a node that was here while this one was off, and for one that is in no longer', () => {
    const watcher = new Watcher().pass(170, [1, 2], [3, 4]).restart();
    watcher.incarnations.set(3, 2);
    expect(watcher.look([1, 2], [3])).toBe(true);
    expect(watcher.pass(100, [1, 2], [3, 4]).gone()).toEqual([]);
    watcher.incarnations.set(3, 0);
    expect(watcher.pass(90, [1, 2], [3, 4]).gone()).toEqual([3, 4]);
  });
});

interface Host {
  isOn: boolean;
  isCut: boolean;
  incarnation: number;
  /** Minutes in which the instance worked since somebody who counts could see it. */
  unseenMinutes: number;
  bootMs: number;
}

/**
 * Hosts go off and on, are cut off, the whole instance is off for long, members are restarted with what they wrote some
 * time before, clocks leap. Nobody is ever taken for lost who was there, within the limit, while the instance worked.
 */
it('is never counted too high, and comes to its end', () => {
  const seed = testSeed();
  let lost = 0;
  for (let run = 0; run < 25; run++) {
    const random = new Prng(seed + run);
    const where = `seed ${seed + run}`;
    const size = 3 + random.int(6);
    const hosts = Array.from({ length: size }, (): Host => ({ isOn: true, isCut: false, incarnation: 1, unseenMinutes: 0, bootMs: 0 }));
    const isSeen = (host: Host) => host.isOn && !host.isCut;
    const watchers = Array.from({ length: Math.min(3, size) }, () => ({ book: new AbsenceBook(LIMIT, {}), kept: {} as KeptAbsences }));
    let nowMs = 0;
    let offUntil = 0;
    const turnOn = (host: Host, n: number) => {
      host.isOn = true;
      host.incarnation += 1;
      host.bootMs = nowMs;
      const watcher = watchers[n];
      if (watcher !== undefined) watcher.book = new AbsenceBook(LIMIT, watcher.kept);
    };
    for (let minute = 0; minute < 1_500; minute++) {
      nowMs += MINUTE;
      const n = random.int(size);
      const host = hosts[n]!;
      if (random.float() < 0.01) {
        if (host.isOn) host.isOn = false;
        else turnOn(host, n);
      }
      if (random.float() < 0.01) {
        host.isCut = !host.isCut;
        host.incarnation += 1;
      }
      if (offUntil === 0 && random.float() < 0.002) {
        for (const each of hosts) each.isOn = false;
        offUntil = minute + 200 + random.int(400);
      }
      if (minute === offUntil) {
        offUntil = 0;
        hosts.forEach((each, at) => random.float() < 0.9 && turnOn(each, at));
      }
      const seen = hosts.filter(isSeen);
      const isWorking = seen.length * 2 >= size;
      for (const each of hosts) each.unseenMinutes = isSeen(each) ? 0 : each.unseenMinutes + Number(isWorking || seen.length > 1);
      watchers.forEach((watcher, at) => {
        const self = hosts[at]!;
        if (!self.isOn) return;
        const others = hosts.map((each, to): SeenNode => {
          return { id: idOf(to), isHere: isSeen(each) && isSeen(self), incarnation: each.incarnation };
        });
        const leap = random.float() < 0.01 ? random.int(1e9) : 0;
        const isOutdated = watcher.book.look({
          nowMs: nowMs - self.bootMs + leap,
          hasMajority: isSeen(self) || random.float() < 0.5,
          nodes: others.filter((_, to) => to !== at),
        });
        if (isOutdated || random.float() < 0.1) watcher.kept = watcher.book.kept();
        for (const id of watcher.book.gone()) {
          lost += 1;
          const unseen = hosts[Number.parseInt(id, 16)]!.unseenMinutes;
          // A leap counts for a minute more than it took.
          expect(unseen * 1.1, `${where}, minute ${minute}: ${id.slice(-2)}`).toBeGreaterThan(LIMIT / MINUTE);
        }
      });
    }
  }
  expect(lost).toBeGreaterThan(100);
});
