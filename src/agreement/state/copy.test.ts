import { expect, test } from 'vitest';
import type { NetworkId, NodeId } from '../../core/model/index.ts';
import { Prng } from '../../lib/prng.ts';
import type { Entry } from '../port.ts';
import { encodeFact } from './codec.ts';
import { Copy } from './copy.ts';
import type { Fact } from './fact.ts';
import { KEYS } from './keys.ts';
import type { AgreedChange } from './port.ts';
import type { CopyStore, KeptCopy, Update } from './update.ts';
import { testSeed } from '../../../test/seed.ts';

const NODE = 'a'.repeat(32) as NodeId;
const NET = 'b'.repeat(64) as NetworkId;

class Kept implements CopyStore {
  kept: KeptCopy = { version: { epoch: 0, revision: 0 }, entries: [] };
  isFull = false;
  agreed(): KeptCopy {
    return this.kept;
  }
  putAgreed({ version, put, remove, replace }: Parameters<CopyStore['putAgreed']>[0]): void {
    if (this.isFull) throw new Error('no room');
    const entries = new Map(replace ? [] : this.kept.entries.map((entry) => [entry.key, entry]));
    for (const key of remove) entries.delete(key);
    for (const entry of put) entries.set(entry.key, entry);
    this.kept = { version, entries: [...entries.values()] };
  }
}

function make(store = new Kept()) {
  const reports: string[] = [];
  const copy = new Copy({ store, report: (message) => reports.push(message) });
  const changes: AgreedChange[] = [];
  copy.onChange((change) => changes.push(change));
  return { copy, store, reports, changes };
}

function entryOf(fact: Fact, revision: number): Entry {
  return { ...encodeFact(fact), modRevision: revision, createRevision: revision };
}
const lease = (address: number, node = NODE): Fact => ({
  kind: 'lease',
  lease: { network: NET, block: { base: address, prefix: 32 }, node },
});
const at = (revision: number, epoch = 1) => ({ epoch, revision });
const all = (version: Update['version'], ...entries: Entry[]): Update => ({ from: undefined, version, entries, removed: [] });

test('steps from version to version, and says what each touched', () => {
  const { copy, changes } = make();
  const node = { id: NODE, name: 'one', number: 1, state: 'in', sinceMs: 1 } as const;
  expect(copy.apply(all(at(5), entryOf({ kind: 'node', node }, 4)))).toBe('applied');
  expect(changes).toEqual([{ networks: new Set(), leases: new Set(), nodes: true, all: true }]);
  expect(copy.apply({ from: at(5), version: at(6), entries: [entryOf(lease(1), 6)], removed: [] })).toBe('applied');
  expect(changes[1]).toEqual({ networks: new Set(), leases: new Set([NET]), nodes: false, all: false });
  expect(copy.views.leasesOf(NODE)).toHaveLength(1);
  expect(copy.apply({ from: at(6), version: at(7), entries: [], removed: [KEYS.lease(NET, { base: 1, prefix: 32 })] })).toBe('applied');
  expect([copy.views.leases(NET), copy.version]).toEqual([[], at(7)]);
});

test('what is not newer is old, what builds on more than it has is a gap; a step from further back is taken', () => {
  const { copy } = make();
  copy.apply(all(at(5)));
  expect(copy.apply(all(at(5)))).toBe('old');
  expect(copy.apply({ from: at(6), version: at(8), entries: [], removed: [] })).toBe('gap');
  expect(copy.apply({ from: at(5, 2), version: at(8, 2), entries: [], removed: [] })).toBe('gap');
  expect(copy.apply({ from: at(2), version: at(8), entries: [entryOf(lease(1), 4), entryOf(lease(2), 8)], removed: [] })).toBe('applied');
  // What it had heard of up to its own version it knew better.
  expect(copy.entries()).toHaveLength(1);
  expect(copy.apply(all(at(3, 2), entryOf(lease(9), 3)))).toBe('applied');
  expect(copy.version).toEqual(at(3, 2));
});

test('a node that left moves from one key to the other', () => {
  const { copy } = make();
  const node = { id: NODE, name: 'one', number: 1, state: 'in', sinceMs: 1 } as const;
  copy.apply(all(at(2), entryOf({ kind: 'node', node }, 2)));
  const left = { ...node, state: 'left' } as const;
  copy.apply({ from: at(2), version: at(3), entries: [entryOf({ kind: 'node', node: left }, 3)], removed: [KEYS.nodeIn(NODE)] });
  expect([...copy.views.nodes.values()]).toEqual([left]);
});

test('survives a restart, and a disk that was full for a while', () => {
  const { copy, store, reports } = make();
  copy.apply(all(at(2), entryOf(lease(1), 2), entryOf(lease(2), 2)));
  expect(make(store).copy.views.leases(NET)).toHaveLength(2);
  store.isFull = true;
  copy.apply({ from: at(2), version: at(3), entries: [entryOf(lease(3), 3)], removed: [KEYS.lease(NET, { base: 1, prefix: 32 })] });
  expect(reports).toEqual(['the copy of what is agreed could not be kept on disk']);
  expect(make(store).copy.version).toEqual(at(2));
  store.isFull = false;
  copy.apply({ from: at(3), version: at(4), entries: [entryOf(lease(4), 4)], removed: [] });
  const again = make(store).copy;
  expect([again.version, again.entries()]).toEqual([copy.version, copy.entries()]);
});

test('an entry that nobody here understands is kept, told, and left aside', () => {
  const { copy, reports } = make();
  copy.apply(all(at(2), { key: KEYS.caHolder(NODE), value: '{"v":9}', modRevision: 2, createRevision: 2 }));
  expect([copy.entries().length, copy.views.caHolders.size, reports]).toEqual([1, 0, ['an agreed entry is left aside']]);
});

test('two copies that exchange differences at random points end the same', () => {
  const seed = testSeed();
  console.log(`seed ${seed}`);
  const random = new Prng(seed);
  const below = (n: number) => random.uint32() % n;
  const { copy: source } = make();
  const followers = [make().copy, make().copy];
  source.apply(all(at(1)));
  for (let revision = 2; revision < 400; revision++) {
    const epoch = source.version.epoch;
    if (below(40) === 0) source.apply(all(at(revision, epoch + 1), ...source.entries()));
    else {
      const key = KEYS.lease(NET, { base: below(20), prefix: 32 });
      const has = source.entry(key) !== undefined;
      source.apply({
        from: at(revision - 1, epoch),
        version: at(revision, epoch),
        entries: has ? [] : [{ key, value: `{"v":1,"node":"${NODE}"}`, modRevision: revision, createRevision: revision }],
        removed: has ? [key] : [],
      });
    }
    for (const follower of followers) {
      if (below(5) !== 0) continue;
      const update = source.difference(follower.version);
      if (update === undefined) continue;
      expect(follower.apply(update)).toBe('applied');
      expect(follower.entries()).toEqual(source.entries());
      expect(follower.difference(source.version)).toBeUndefined();
    }
  }
});

test('a listener that fails keeps a change from nobody else', () => {
  const { copy, changes } = make();
  copy.onChange(() => {
    throw new Error('no room');
  });
  const heard: unknown[] = [];
  copy.onChange((change) => heard.push(change));
  const entries = [entryOf({ kind: 'next-number', next: 2 }, 1)];
  expect(() => copy.apply({ from: undefined, version: { epoch: 1, revision: 1 }, entries, removed: [] })).toThrow('no room');
  expect([changes.length, heard.length, copy.version.revision]).toEqual([1, 1, 1]);
});
