import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type NodeId, nodeId } from '../core/model/index.ts';
import { arbiterOf, ImageArrivals, ImageErrands } from './image-errands.ts';

const id = (n: number) => nodeId(n.toString(16).padStart(32, '0'));

describe('who asks the registry', () => {
  it('is decided by one node per blob, which all find alike and which few changes move', () => {
    const numbers = fc.uniqueArray(fc.integer({ min: 1, max: 1_000 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(numbers, fc.string(), (ns, digest) => {
        const members = ns.map(id);
        const arbiter = arbiterOf(digest, members) as NodeId;
        expect(arbiterOf(digest, members.toReversed())).toBe(arbiter);
        const others = members.filter((each) => each === arbiter || Number.parseInt(each, 16) % 2 === 0);
        expect(arbiterOf(digest, others)).toBe(arbiter);
      }),
    );
    expect(arbiterOf('x', [])).toBeUndefined();
  });

  it('is whoever asks first, until it did not get the blob, is gone, or it is long ago', () => {
    let nowMs = 0;
    const gone = new Set<NodeId>();
    const errands = new ImageErrands(
      (node) => !gone.has(node),
      () => nowMs,
    );
    expect(errands.take('a', id(1), undefined)).toBe(id(1));
    expect(errands.take('a', id(2), undefined)).toBe(id(1));
    expect(errands.take('b', id(2), undefined)).toBe(id(2));
    expect(errands.take('a', id(3), id(1))).toBe(id(3));
    expect(errands.take('a', id(2), id(1))).toBe(id(3));
    gone.add(id(3));
    expect(errands.take('a', id(2), undefined)).toBe(id(2));
    nowMs += 1_800_001;
    expect(errands.take('a', id(1), undefined)).toBe(id(1));
  });

  it('remembers a bounded number of blobs', () => {
    const errands = new ImageErrands(
      () => true,
      () => 0,
    );
    for (let n = 0; n <= 4_096; n++) errands.take(`blob ${n}`, id(1), undefined);
    expect(errands.take('blob 0', id(2), undefined)).toBe(id(2));
    expect(errands.take('blob 4096', id(2), undefined)).toBe(id(1));
  });
});

describe('what comes', () => {
  it('is under way from the errand on, while bytes come, and until it may be in its place', () => {
    let nowMs = 0;
    const arrivals = new ImageArrivals(() => nowMs);
    expect(arrivals.isUnderWay('a')).toBe(false);
    arrivals.expect('a');
    expect(arrivals.isUnderWay('a')).toBe(true);
    const first = arrivals.begin('a');
    const second = arrivals.begin('a');
    nowMs += 100_000;
    expect(arrivals.isUnderWay('a')).toBe(true);
    first();
    first();
    nowMs += 100_000;
    expect(arrivals.isUnderWay('a')).toBe(true);
    second();
    expect(arrivals.isUnderWay('a')).toBe(true);
    nowMs += 100_000;
    expect(arrivals.isUnderWay('a')).toBe(false);
    arrivals.expect('a');
    arrivals.giveUp('a');
    expect(arrivals.isUnderWay('a')).toBe(false);
  });
});
