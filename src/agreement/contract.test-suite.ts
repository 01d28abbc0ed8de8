import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AgreedVersion } from '../core/model/index.ts';
import type { Change, ReplicatedStore, WatchListener } from './port.ts';

/** A store with at least one view, and what a test needs besides. */
export interface StoreBench {
  /** Views of the same store from different nodes; the contract holds across them. */
  readonly stores: readonly ReplicatedStore[];
  /** Forgets all revisions before the newest. */
  compact(): Promise<void>;
  close(): Promise<void>;
}

/** What every ReplicatedStore keeps. One store serves all tests: each uses keys of its own. */
export function storeContract(name: string, make: () => Promise<StoreBench>): void {
  describe(`agreement contract: ${name}`, () => {
    let bench: StoreBench;
    let store: ReplicatedStore;
    let other: ReplicatedStore;
    const put = (key: string, value: string) => store.transact({ when: [], then: [{ put: key, value }] });

    beforeAll(async () => {
      bench = await make();
      [store, other] = [bench.stores[0]!, bench.stores.at(-1)!];
    });
    afterAll(() => bench?.close());

    it('answers with what was written last, from every view', async () => {
      expect((await store.get('last/a')).value).toBeUndefined();
      const first = await put('last/a', 'one');
      const second = await put('last/a', 'zwei ✓');
      expect(first.committed && second.committed).toBe(true);
      expect(second.version.revision).toBeGreaterThan(first.version.revision);
      const { value, version } = await other.get('last/a');
      expect(value).toEqual({
        key: 'last/a',
        value: 'zwei ✓',
        createRevision: first.version.revision,
        modRevision: second.version.revision,
      });
      expect(version.epoch).toBe(first.version.epoch);
      expect(version.epoch).toBeGreaterThan(0);
      expect(version.revision).toBeGreaterThanOrEqual(second.version.revision);
    });

    it('lists by prefix, in byte order, and nothing else', async () => {
      for (const key of ['list/b', 'list/a', 'list/B', 'list/', 'list0', 'lis', 'list/~']) await put(key, key);
      expect((await store.range('list/')).value.map(({ key }) => key)).toEqual(['list/', 'list/B', 'list/a', 'list/b', 'list/~']);
      expect((await other.range('no-such')).value).toEqual([]);
      const all = (await other.range('')).value.map(({ key }) => key);
      expect(all).toEqual(expect.arrayContaining(['lis', 'list/', 'list0']));
      expect(all).toEqual(all.toSorted((a, b) => (a < b ? -1 : 1)));
    });

    it('keeps empty values, and long ones, and forgets what is removed', async () => {
      const long = 'x'.repeat(400_000);
      await store.transact({
        when: [],
        then: [
          { put: 'sizes/empty', value: '' },
          { put: 'sizes/long', value: long },
        ],
      });
      expect((await other.get('sizes/empty')).value?.value).toBe('');
      expect((await other.get('sizes/long')).value?.value).toBe(long);
      await store.transact({ when: [], then: [{ remove: 'sizes/long' }, { remove: 'sizes/never-was' }] });
      expect((await other.range('sizes/')).value.map(({ key }) => key)).toEqual(['sizes/empty']);
    });

    it('writes all where each condition holds', async () => {
      const made = await put('if/there', 'x');
      const outcome = await other.transact({
        when: [
          { key: 'if/there', is: 'present' },
          { key: 'if/there', is: 'at', modRevision: made.version.revision },
          { key: 'if/new', is: 'absent' },
          { key: 'if/never', is: 'at', modRevision: 0 },
        ],
        then: [{ put: 'if/new', value: 'n' }, { remove: 'if/there' }],
      });
      expect(outcome).toMatchObject({ committed: true, found: [] });
      expect((await store.range('if/')).value).toMatchObject([
        { key: 'if/new', modRevision: outcome.version.revision, createRevision: outcome.version.revision },
      ]);
    });

    it('writes nothing where one does not, and tells what is there', async () => {
      const made = await put('unless/there', 'x');
      for (const failing of [
        { key: 'unless/there', is: 'absent' },
        { key: 'unless/gone', is: 'present' },
        { key: 'unless/there', is: 'at', modRevision: 0 },
        { key: 'unless/there', is: 'at', modRevision: made.version.revision - 1 },
        { key: 'unless/gone', is: 'at', modRevision: made.version.revision },
      ] as const) {
        const outcome = await other.transact({
          when: [{ key: 'unless/there', is: 'present' }, failing],
          then: [{ put: 'unless/new', value: 'n' }],
        });
        expect(outcome.committed).toBe(false);
        expect(outcome.found).toEqual([
          { key: 'unless/there', value: 'x', modRevision: made.version.revision, createRevision: made.version.revision },
        ]);
      }
      expect((await store.get('unless/new')).value).toBeUndefined();
    });

    it('writes nothing by what was read in another epoch, and tells what is there', async () => {
      const { version } = await put('epochs/a', '1');
      const when = [{ key: 'epochs/a', is: 'at', modRevision: version.revision }] as const;
      const write = (epoch: number) => other.transact({ when, then: [{ put: 'epochs/b', value: 'x' }], epoch });
      expect(await write(version.epoch + 1)).toMatchObject({ committed: false, found: [{ key: 'epochs/a' }] });
      expect((await store.get('epochs/b')).value).toBeUndefined();
      expect(await write(version.epoch)).toMatchObject({ committed: true });
    });

    it('decides without writing, too', async () => {
      await put('decide/a', '1');
      expect((await store.transact({ when: [{ key: 'decide/a', is: 'present' }], then: [] })).committed).toBe(true);
      expect((await store.transact({ when: [{ key: 'decide/a', is: 'absent' }], then: [] })).committed).toBe(false);
    });

    it('gives a key to one of many that want it', async () => {
      const attempts = Array.from({ length: 30 }, (_, n) =>
        bench.stores[n % bench.stores.length]!.transact({
          when: [{ key: 'contested', is: 'absent' }],
          then: [{ put: 'contested', value: String(n) }],
        }),
      );
      const outcomes = await Promise.all(attempts);
      const winners = outcomes.flatMap(({ committed }, n) => (committed ? [String(n)] : []));
      expect(winners).toHaveLength(1);
      expect((await other.get('contested')).value?.value).toBe(winners[0]);
      for (const { committed, found } of outcomes) if (!committed) expect(found[0]?.value).toBe(winners[0]);
    });

    it('counts without losing one, by compare and set from all views', async () => {
      await put('counter', '0');
      const addOne = async (view: ReplicatedStore): Promise<void> => {
        for (;;) {
          const { value } = await view.get('counter');
          const { committed } = await view.transact({
            when: [{ key: 'counter', is: 'at', modRevision: value!.modRevision }],
            then: [{ put: 'counter', value: String(Number(value!.value) + 1) }],
          });
          if (committed) return;
        }
      };
      await Promise.all(Array.from({ length: 12 }, (_, n) => addOne(bench.stores[n % bench.stores.length]!)));
      expect((await other.get('counter')).value?.value).toBe('12');
    });

    it('refuses a transaction that breaks the contract before anything is sent', async () => {
      const many = Array.from({ length: 65 }, (_, n) => ({ put: `many/${n}`, value: '' }));
      await expect(store.transact({ when: [], then: many })).rejects.toThrow(/at most 64/);
      await expect(
        store.transact({
          when: [],
          then: [{ put: 'twice', value: '1' }, { remove: 'twice' }],
        }),
      ).rejects.toThrow(/"twice" twice/);
      await expect(store.get('with space')).rejects.toThrow(/not "with space"/);
      expect((await store.transact({ when: [], then: many.slice(1) })).committed).toBe(true);
    });

    it('watches a prefix from a revision on, all of one revision in one call', async () => {
      const before = await put('watch/old', '1');
      await put('watch/a', '1');
      const watched = new Watched();
      other.watch('watch/', before.version.revision, watched, watched.signal);
      await put('watched-not', 'x');
      const both = await store.transact({
        when: [],
        then: [{ put: 'watch/b', value: '2' }, { put: 'unwatched', value: 'x' }, { remove: 'watch/old' }],
      });
      await watched.until(2);
      expect(watched.calls.map((changes) => changes.map(({ key, entry }) => [key, entry?.value]))).toEqual([
        [['watch/a', '1']],
        [
          ['watch/b', '2'],
          ['watch/old', undefined],
        ],
      ]);
      expect(watched.versions.at(-1)).toEqual(both.version);
      watched.stop();
      await put('watch/after', 'x');
      expect((await store.get('watch/after')).value).toBeDefined();
      expect(watched.calls).toHaveLength(2);
    });

    it('says that changes are lost where their revisions are forgotten, once', async () => {
      const before = await put('lost/a', '1');
      await put('lost/a', '2');
      await put('lost/a', '3');
      await bench.compact();
      const watched = new Watched();
      store.watch('lost/', before.version.revision - 1, watched, watched.signal);
      await watched.untilLost();
      expect(watched.calls).toEqual([]);
      const { version } = await store.range('lost/');
      const again = new Watched();
      store.watch('lost/', version.revision, again, again.signal);
      await put('lost/a', '4');
      await again.until(1);
      expect(again.calls[0]).toMatchObject([{ key: 'lost/a', entry: { value: '4' } }]);
      again.stop();
      expect(watched.lost).toBe(1);
    });
  });
}

/** A listener that remembers, and can be waited for. */
export class Watched implements WatchListener {
  readonly #abort = new AbortController();
  readonly calls: (readonly Change[])[] = [];
  readonly versions: AgreedVersion[] = [];
  lost = 0;
  #wake: () => void = () => {};

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  onChanges(changes: readonly Change[], version: AgreedVersion): void {
    this.calls.push(changes);
    this.versions.push(version);
    this.#wake();
  }

  onLost(): void {
    this.lost += 1;
    this.#wake();
  }

  stop(): void {
    this.#abort.abort();
  }

  until(calls: number): Promise<void> {
    return this.#waitFor(() => this.calls.length >= calls);
  }

  untilLost(): Promise<void> {
    return this.#waitFor(() => this.lost > 0);
  }

  async #waitFor(holds: () => boolean): Promise<void> {
    while (!holds()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
