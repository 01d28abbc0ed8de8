import { closeSync, existsSync, mkdtempSync, openSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { type Container, containerId, type MemberRecord, nodeId, requestId } from '../core/model/index.ts';
import { MemoryStore } from './fake/memory-store.ts';
import type { Store } from './port.ts';
import { mount, unmount } from '../linux/mount.ts';
import { SqliteStore } from './sqlite/sqlite-store.ts';

const dirs: string[] = [];
afterEach(() => {
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true, force: true });
});
function stateFile(): string {
  const dir = mkdtempSync(join(tmpdir(), 'caravela-store-'));
  dirs.push(dir);
  return join(dir, 'state.db');
}

const container = (n: number, createdAtMs: number): Container => ({
  request: {
    id: requestId('a'.repeat(32)),
    containerId: containerId(n.toString(16).padStart(64, '0')),
    name: `c${n}`,
    resources: { cpuMillicores: 100, memoryBytes: 1 << 26 },
    class: 'low',
    arches: ['amd64'],
    constraints: [],
    affinities: [],
    hostPorts: [],
    vnis: [],
    labels: {},
    image: '',
    policy: 'binpack',
    restart: { name: 'no', maximumRetries: 0 },
    autoRemove: false,
    stopSignal: 'SIGTERM',
    stopTimeoutMs: 10_000,
    spec: '{"é":1}',
  },
  name: `c${n}`,
  buyer: nodeId('b'.repeat(32)),
  createdAtMs,
  readiness: 'ready',
  desired: 'created',
  restartCount: 0,
  task: undefined,
  taskNumber: 0,
  holding: true,
  placement: '{}',
});

const member: MemberRecord = {
  id: nodeId('c'.repeat(32)),
  name: 'node-1',
  number: 1,
  incarnation: 4,
  address: { ip: '10.0.0.1', controlPort: 8001, gossipPort: 8000 },
  class: 'low',
  arch: 'amd64',
  labels: { shop: 'porto' },
  capacity: { cpuMillicores: 2000, memoryBytes: 1 << 30 },
  underlayMtu: 1500,
  version: '0.1.0',
  draining: false,
};

const adapters: Record<string, () => { store: Store; reopen: (store: Store) => Store }> = {
  memory: () => ({ store: new MemoryStore(), reopen: (store) => store }),
  sqlite: () => {
    const path = stateFile();
    return {
      store: new SqliteStore(path),
      reopen: (store) => {
        store.close();
        return new SqliteStore(path);
      },
    };
  },
};

describe.each(Object.entries(adapters))('%s store', (_name, make) => {
  test('keeps records, in the order of creation, and replaces by id', () => {
    const { store, reopen } = make();
    store.putContainer(container(2, 20));
    store.putContainer(container(1, 10));
    store.putContainer({ ...container(2, 20), desired: 'running' });
    const again = reopen(store);
    expect(again.containers().map((c) => [c.request.name, c.desired])).toEqual([
      ['c1', 'created'],
      ['c2', 'running'],
    ]);
    expect(again.containers()[0]?.request.spec).toBe('{"é":1}');
    again.close();
  });

  test('forgetting leaves a tombstone', () => {
    const { store, reopen } = make();
    store.putContainer(container(1, 10));
    store.forgetContainer(containerId('1'.padStart(64, '0')), 99);
    const again = reopen(store);
    expect(again.containers()).toEqual([]);
    expect(again.tombstones()).toEqual([{ containerId: '1'.padStart(64, '0'), removedAtMs: 99 }]);
    again.close();
  });

  test('a transaction writes all of it, or nothing', () => {
    const { store, reopen } = make();
    store.putContainer(container(1, 10));
    const failing = (): void => {
      store.putContainer({ ...container(1, 10), desired: 'running' });
      store.forgetContainer(container(1, 10).request.containerId, 99);
      store.putContainer(container(2, 20));
      throw new Error('no more');
    };
    expect(() => store.transaction(failing)).toThrow('no more');
    expect([store.containers(), store.tombstones()]).toEqual([[container(1, 10)], []]);
    store.transaction(() => {
      store.forgetContainer(container(1, 10).request.containerId, 99);
      store.putContainer(container(2, 20));
      store.putContainer(container(3, 30));
    });
    store.putContainer(container(4, 40));
    const again = reopen(store);
    expect(again.containers().map((c) => c.request.name)).toEqual(['c2', 'c3', 'c4']);
    expect(again.tombstones()).toHaveLength(1);
    again.close();
  });

  test('incarnation, members and documents come back', () => {
    const { store, reopen } = make();
    expect(store.incarnation()).toBe(0);
    expect(store.document('setup')).toBeUndefined();
    store.putIncarnation(7);
    store.putMembers([member]);
    store.putMembers([{ ...member, incarnation: 5 }]);
    store.putDocument('setup', { name: 'node-1' });
    const again = reopen(store);
    expect(again.incarnation()).toBe(7);
    expect(again.members()).toEqual([{ ...member, incarnation: 5 }]);
    expect(again.document('setup')).toEqual({ name: 'node-1' });
    again.close();
  });
});

describe.each(Object.entries(adapters))('%s store, agreed copy', (_name, make) => {
  const entry = (key: string, revision: number) => ({ key, value: `{"v":1,"at":${revision}}`, modRevision: revision, createRevision: 1 });

  test('changes by steps, or is replaced as a whole, and comes back', () => {
    const { store, reopen } = make();
    expect(store.agreed()).toEqual({ version: { epoch: 0, revision: 0 }, entries: [] });
    store.putAgreed({ version: { epoch: 1, revision: 4 }, put: [entry('/a', 3), entry('/b', 4)], remove: [], replace: true });
    store.putAgreed({ version: { epoch: 1, revision: 6 }, put: [entry('/b', 5), entry('/c', 6)], remove: ['/a'], replace: false });
    let again = reopen(store);
    expect(again.agreed()).toEqual({ version: { epoch: 1, revision: 6 }, entries: [entry('/b', 5), entry('/c', 6)] });
    again.putAgreed({ version: { epoch: 2, revision: 2 }, put: [entry('/d', 2)], remove: [], replace: true });
    again = reopen(again);
    expect(again.agreed()).toEqual({ version: { epoch: 2, revision: 2 }, entries: [entry('/d', 2)] });
    again.close();
  });
});

describe('the state file', () => {
  test('that is no database is refused by name and left alone', () => {
    const path = stateFile();
    writeFileSync(path, 'not a database, but long enough to be looked at as one'.repeat(40));
    expect(() => new SqliteStore(path)).toThrow(new RegExp(`state file ${path}`));
  });

  test('in use by another daemon is refused', () => {
    const path = stateFile();
    const store = new SqliteStore(path);
    expect(() => new SqliteStore(path)).toThrow(/another caravela daemon is using/);
    store.close();
    new SqliteStore(path).close();
  });

  test('and its log are for root alone: they hold keys', () => {
    const path = stateFile();
    const store = new SqliteStore(path);
    store.putDocument('a', 1);
    for (const file of [path, `${path}-wal`]) expect(statSync(file).mode & 0o777).toBe(0o600);
    store.close();
  });

  test('of a newer version is refused', () => {
    const path = stateFile();
    const store = new SqliteStore(path);
    store.close();
    const { DatabaseSync } = process.getBuiltinModule('node:sqlite');
    const db = new DatabaseSync(path);
    db.exec('PRAGMA user_version = 99');
    db.close();
    expect(() => new SqliteStore(path)).toThrow(/schema 99.*upgrade this node/);
  });
});

describe('a full disk', () => {
  function fill(dir: string): void {
    const fd = openSync(join(dir, 'filler'), 'a');
    try {
      for (;;) writeSync(fd, Buffer.alloc(512));
    } catch {
      // Full.
    } finally {
      closeSync(fd);
    }
  }

  test('leaves room for what stops and removes containers, and can be opened; then it says that it is full', () => {
    const path = stateFile();
    const dir = dirname(path);
    mount('tmpfs', dir, 'tmpfs', 0, 'size=4m');
    try {
      let store = new SqliteStore(path);
      for (let n = 0; n < 8; n++) store.putContainer(container(n, n));
      expect(existsSync(`${path}.reserve`)).toBe(true);
      fill(dir);
      // Nothing new is taken in, and the room set aside stays for what is here.
      expect(() => {
        for (let n = 50; n < 2_000; n++) store.putContainer(container(n, n));
      }).toThrow(/full/);
      expect(existsSync(`${path}.reserve`)).toBe(true);
      for (let n = 0; n < 64; n++) store.putContainer({ ...container(1, 1), desired: 'removed' });
      store.forgetContainer(container(1, 1).request.containerId, 5);
      expect(existsSync(`${path}.reserve`)).toBe(false);
      fill(dir);
      expect(() => {
        for (let n = 100; n < 2_000; n++) store.putContainer(container(n, n));
      }).toThrow(/full/);
      store.close();
      fill(dir);
      store = new SqliteStore(path);
      expect(store.containers()[0]).toEqual(container(0, 0));
      rmSync(join(dir, 'filler'));
      store.putContainer(container(9, 9));
      store.close();
    } finally {
      unmount(dir);
    }
  });
});
