import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { ContainerId, NetworkId } from '../../core/model/index.ts';
import { formatCidr, parseIpv4 } from '../../lib/ipv4.ts';
import { testNetwork, testNodeId } from '../../core/model/network.test-helper.ts';
import { LeaseInstance } from './lease-instance.test-helper.ts';
import { keptLeasesOf } from './lease-memory.ts';
import { decodeLeaseAnswer, decodeLeaseRequest, encodeLeaseAnswer, encodeLeaseRequest } from './lease-messages.ts';
import { LEASES_PATH, LeaseRefused } from './leases.ts';

const WEB = testNetwork(1, '10.0.0.0/24');
const TINY = testNetwork(2, '10.1.0.0/28');
const ip = (text: string): number => parseIpv4(text) ?? 0;
let last = 0;
const container = (): ContainerId => (++last).toString(16).padStart(64, '0') as ContainerId;

let instance: LeaseInstance;
afterEach(() => {
  instance.close();
  vi.useRealTimers();
});

async function start(size: number): Promise<LeaseInstance> {
  instance = await LeaseInstance.create(size, [WEB, TINY]);
  return instance;
}

const refusal = (promise: Promise<unknown>): Promise<LeaseRefused> =>
  promise.then(
    () => {
      throw new Error('it was not refused');
    },
    (error: unknown) => error as LeaseRefused,
  );

describe('takes', () => {
  test('the first leases a block, the next ones wait for nobody, and each address is given once', async () => {
    const { keeper, state, store } = (await start(1)).node(0);
    const first = await keeper.take(WEB.id, container(), undefined);
    expect(state.leases(WEB.id).map(({ block }) => formatCidr(block))).toEqual(['10.0.0.0/29']);
    store.cut();
    const more = await Promise.all([1, 2, 3, 4, 5].map(() => keeper.take(WEB.id, container(), undefined)));
    expect(new Set([first, ...more]).size).toBe(6);
    expect([...keeper.inUse(WEB.id).values()].toSorted((a, b) => a - b)).toEqual([2, 3, 4, 5, 6, 7].map((n) => ip(`10.0.0.${n}`)));
    // The seventh needs a block, and there is no agreement.
    const { code, message } = await refusal(keeper.take(WEB.id, container(), undefined));
    expect([code, message]).toEqual(['no-agreement', expect.stringContaining('network net-1')]);
  });

  test('a container that has an address gets it again', async () => {
    const { keeper } = (await start(1)).node(0);
    const id = container();
    const address = await keeper.take(WEB.id, id, undefined);
    expect(await keeper.take(WEB.id, id, undefined)).toBe(address);
    expect(await keeper.take(WEB.id, id, address)).toBe(address);
    keeper.give(WEB.id, id);
    keeper.give(WEB.id, id);
    expect(keeper.inUse(WEB.id).size).toBe(0);
  });

  test('an address given back is the last to be given again, also after a restart', async () => {
    vi.useFakeTimers();
    const node = (await start(1)).node(0);
    const ids = [container(), container()];
    const [first] = await Promise.all(ids.map((id) => node.keeper.take(WEB.id, id, undefined)));
    node.keeper.give(WEB.id, ids[0] as ContainerId);
    vi.advanceTimersByTime(10_000);
    node.store.cut();
    node.restart([{ network: WEB.id, container: ids[1] as ContainerId, address: ip('10.0.0.3') }]);
    const later = await Promise.all([1, 2, 3, 4, 5].map(() => node.keeper.take(WEB.id, container(), undefined)));
    expect(later).toHaveLength(5);
    expect(later.at(-1)).toBe(first);
    expect(later).not.toContain(ip('10.0.0.3'));
  });

  test('nodes share a tiny subnet to the last address; who comes too late is told how things stand', async () => {
    const { nodes } = await start(3);
    const taken: number[] = [];
    for (let i = 0; i < 13; i++) taken.push((await nodes[i % 3]?.keeper.take(TINY.id, container(), undefined)) ?? 0);
    expect(new Set(taken).size).toBe(13);
    expect(taken).not.toContain(TINY.gateway);
    const late = await refusal(instance.node(1).keeper.take(TINY.id, container(), undefined));
    expect(late.code).toBe('exhausted');
    expect(late.message).toContain('net-2 (10.1.0.0/28) has no address left: its 13 are in use on 3 nodes');
    // One that does not answer may have some.
    instance.node(2).isDeaf = true;
    expect((await refusal(instance.node(1).keeper.take(TINY.id, container(), undefined))).message).toContain('node-2 did not answer');
    instance.node(2).membership = 'dead';
    expect((await refusal(instance.node(1).keeper.take(TINY.id, container(), undefined))).message).toContain('node-2 did not answer');
  });

  test('what nobody uses is reclaimed for who needs it', async () => {
    const [a, b] = (await start(2)).nodes.map(({ keeper }) => keeper) as [
      LeaseInstance['nodes'][0]['keeper'],
      LeaseInstance['nodes'][0]['keeper'],
    ];
    const ids = Array.from({ length: 13 }, container);
    for (const id of ids) await a.take(TINY.id, id, undefined);
    for (const id of ids.slice(3, 9)) a.give(TINY.id, id);
    const got = new Set<number>();
    for (let i = 0; i < 6; i++) got.add(await b.take(TINY.id, container(), undefined));
    expect(got.size).toBe(6);
    expect([...a.inUse(TINY.id).values()].filter((address) => got.has(address))).toEqual([]);
    expect((await refusal(b.take(TINY.id, container(), undefined))).code).toBe('exhausted');
  });

  test('an unknown or vanished network is refused', async () => {
    const { keeper, state } = (await start(1)).node(0);
    expect((await refusal(keeper.take('f'.repeat(64) as NetworkId, container(), undefined))).code).toBe('no-network');
    await state.removeNetwork(TINY.id);
    expect((await refusal(keeper.take(TINY.id, container(), undefined))).code).toBe('no-network');
  });

  test('one that is given up while it waits is refused, and leaves nothing behind', async () => {
    const { keeper, store } = (await start(1)).node(0);
    let arrive = (): void => {};
    store.latency = () => new Promise((resolve) => (arrive = resolve));
    const id = container();
    const taken = refusal(keeper.take(WEB.id, id, undefined));
    keeper.give(WEB.id, id);
    expect((await taken).code).toBe('no-agreement');
    arrive();
    expect(keeper.inUse(WEB.id).size).toBe(0);
  });
});

describe('an address by name of its number', () => {
  test('is leased alone where it is free, handed over where its holder has no use for it, refused where it is in use', async () => {
    const { nodes } = await start(2);
    const [a, b] = [instance.node(0).keeper, instance.node(1).keeper];
    expect(await a.take(WEB.id, container(), ip('10.0.0.200'))).toBe(ip('10.0.0.200'));
    expect(
      instance
        .node(0)
        .state.leases(WEB.id)
        .map(({ block }) => formatCidr(block)),
    ).toEqual(['10.0.0.200/32']);

    const holder = container();
    const used = await a.take(WEB.id, holder, undefined);
    const inBlock = used + 3;
    expect(await b.take(WEB.id, container(), inBlock)).toBe(inBlock);
    expect(nodes[0]?.asked).toEqual(['cede']);
    for (let i = 0; i < 20; i++) expect(await a.take(WEB.id, container(), undefined)).not.toBe(inBlock);

    const { code, message } = await refusal(b.take(WEB.id, container(), used));
    expect([code, message]).toEqual(['in-use', expect.stringContaining(`in use by container ${holder.slice(0, 12)} on node-0`)]);
    expect((await refusal(a.take(WEB.id, container(), used))).message).toContain('on this node');
  });

  test('in a block of a node that does not answer can not be had', async () => {
    await start(2);
    const used = await instance.node(0).keeper.take(WEB.id, container(), undefined);
    instance.node(0).isDeaf = true;
    const { code, message } = await refusal(instance.node(1).keeper.take(WEB.id, container(), used + 1));
    expect([code, message]).toEqual(['in-use', expect.stringContaining('belongs to node-0, which did not hand it over')]);
  });

  test.each([
    ['10.9.9.9', 'is not in 10.0.0.0/24'],
    ['10.0.0.0', 'is the network address'],
    ['10.0.0.255', 'is the broadcast address'],
    ['10.0.0.1', 'is the gateway address'],
  ])('%s %s', async (text, words) => {
    const { keeper } = (await start(1)).node(0);
    const { code, message } = await refusal(keeper.take(WEB.id, container(), ip(text)));
    expect([code, message]).toEqual(['out-of-subnet', expect.stringContaining(words)]);
  });

  test('many that want the same one: one gets it', async () => {
    const { nodes } = await start(4);
    const wanted = nodes.map(({ keeper }) => keeper.take(WEB.id, container(), ip('10.0.0.77')).catch((error: LeaseRefused) => error.code));
    const answers = await Promise.all(wanted);
    expect(answers.filter((answer) => answer === ip('10.0.0.77'))).toHaveLength(1);
    expect(answers.filter((answer) => answer === 'in-use')).toHaveLength(3);
  });
});

describe('an outcome that is not known', () => {
  test('of a lease: what was agreed is found by the next take', async () => {
    const node = (await start(1)).node(0);
    const { keeper, store, state } = node;
    store.loseAnswers(1);
    expect((await refusal(keeper.take(WEB.id, container(), undefined))).code).toBe('no-agreement');
    expect(await keeper.take(WEB.id, container(), undefined)).toBe(ip('10.0.0.2'));
    await node.catchUp();
    expect(state.leases(WEB.id)).toHaveLength(1);
  });

  test('of a handed-over address: it is nobody’s until it is known, also after a restart', async () => {
    await start(2);
    const [a, b] = [instance.node(0), instance.node(1)];
    const holder = container();
    const used = await a.keeper.take(WEB.id, holder, undefined);
    a.store.loseAnswers(1);
    expect((await refusal(b.keeper.take(WEB.id, container(), used + 1))).code).toBe('in-use');
    a.store.cut();
    a.restart([{ network: WEB.id, container: holder, address: used }]);
    const rest = await Promise.all([1, 2, 3, 4].map(() => a.keeper.take(WEB.id, container(), undefined)));
    expect(rest).not.toContain(used + 1);
    expect((await refusal(a.keeper.take(WEB.id, container(), undefined))).code).toBe('no-agreement');
    expect((await refusal(a.keeper.take(WEB.id, container(), used + 1))).code).toBe('no-agreement');
    // It was agreed after all: the other has it.
    await b.catchUp();
    expect(await b.keeper.take(WEB.id, container(), used + 1)).toBe(used + 1);
  });

  test('of a change that was made, and whose maker lost its majority before it could read it back', async () => {
    await start(2);
    const [a, b] = [instance.node(0), instance.node(1)];
    const used = await a.keeper.take(WEB.id, container(), undefined);
    a.isBlind = true;
    expect((await refusal(b.keeper.take(WEB.id, container(), used + 1))).code).toBe('in-use');
    await b.catchUp();
    expect(await b.keeper.take(WEB.id, container(), used + 1)).toBe(used + 1);
    const rest = await Promise.all([1, 2, 3, 4].map(() => a.keeper.take(WEB.id, container(), undefined)));
    expect(rest).not.toContain(used + 1);
    expect((await refusal(a.keeper.take(WEB.id, container(), used + 1))).code).toBe('in-use');
  });

  test('a disk that takes nothing: nothing is given up', async () => {
    await start(2);
    const [a, b] = [instance.node(0), instance.node(1)];
    const used = await a.keeper.take(WEB.id, container(), undefined);
    a.isDiskFull = true;
    expect((await refusal(b.keeper.take(WEB.id, container(), used + 1))).code).toBe('in-use');
    expect(await a.keeper.take(WEB.id, container(), used + 1)).toBe(used + 1);
  });
});

describe('what ends', () => {
  test('a revoked lease: its containers are to be renumbered, once', async () => {
    await start(2);
    const [a, b] = [instance.node(0), instance.node(1)];
    const told: unknown[] = [];
    const stop = a.keeper.onRenumber((...each) => told.push(each));
    const id = container();
    await a.keeper.take(WEB.id, id, undefined);
    await b.book.endNode(a.id, 'left', 2);
    expect(told).toEqual([]);
    await a.book.admitNode(a.id, 'node-0', 3);
    await a.catchUp();
    expect(told).toEqual([[id, WEB.id]]);
    a.keeper.give(WEB.id, id);
    await a.keeper.take(WEB.id, id, undefined);
    await a.catchUp();
    expect(told).toHaveLength(1);
    stop();
  });

  test('idle blocks, after a while; all of a network that nobody is on, but the first of one to keep', async () => {
    vi.useFakeTimers();
    const { keeper, state } = (await start(1)).node(0);
    await keeper.ensureFirst(WEB.id);
    const ids = Array.from({ length: 20 }, container);
    for (const network of [WEB.id, TINY.id])
      for (const id of ids.slice(0, network === WEB.id ? 20 : 5)) await keeper.take(network, id, undefined);
    expect([state.leases(WEB.id).length, state.leases(TINY.id).length]).toEqual([expect.any(Number), expect.any(Number)]);
    for (const id of ids) for (const network of [WEB.id, TINY.id]) keeper.give(network, id);
    await vi.advanceTimersByTimeAsync(200_000);
    expect(state.leases(TINY.id)).not.toEqual([]);
    await vi.advanceTimersByTimeAsync(200_000);
    expect([state.leases(WEB.id).length, state.leases(TINY.id).length]).toEqual([1, 0]);
    expect(keeper.inUse(WEB.id).size).toBe(0);
  });

  test('a network that is to be removed: holders return it unless a container is on it', async () => {
    await start(3);
    const [a, b, c] = [instance.node(0), instance.node(1), instance.node(2)];
    const ids = [container(), container()];
    await b.keeper.take(WEB.id, ids[0] as ContainerId, undefined);
    await c.keeper.take(WEB.id, ids[1] as ContainerId, undefined);
    b.keeper.give(WEB.id, ids[0] as ContainerId);
    expect(await a.keeper.returnAll(WEB.id)).toBe('returned');
    expect(await a.keeper.askOthersToReturn(WEB.id)).toEqual([{ node: c.id, why: 'in-use' }]);
    expect(await c.keeper.returnAll(WEB.id)).toBe('in-use');
    c.isDeaf = true;
    expect(await a.keeper.askOthersToReturn(WEB.id)).toEqual([{ node: c.id, why: 'unreachable' }]);
    c.isDeaf = false;
    c.keeper.give(WEB.id, ids[1] as ContainerId);
    expect(await a.keeper.askOthersToReturn(WEB.id)).toEqual([]);
    expect(await a.state.removeNetwork(WEB.id)).toBe('removed');
  });

  test('without agreement nothing is returned, and it is said', async () => {
    await start(1);
    const { keeper, store } = instance.node(0);
    const id = container();
    await keeper.take(WEB.id, id, undefined);
    keeper.give(WEB.id, id);
    store.cut();
    expect((await refusal(keeper.returnAll(WEB.id))).code).toBe('no-agreement');
    store.heal();
    expect(await keeper.returnAll(WEB.id)).toBe('returned');
  });

  test('the keeper: takes that wait are refused, timers stop', async () => {
    const { keeper, store } = (await start(1)).node(0);
    store.latency = () => new Promise(() => {});
    const waiting = refusal(keeper.take(WEB.id, container(), undefined));
    keeper.close();
    expect((await waiting).message).toContain('shutting down');
    expect((await refusal(keeper.take(WEB.id, container(), undefined))).message).toContain('shutting down');
  });
});

test('an agreement that never answers is given up within 3 s', async () => {
  vi.useFakeTimers();
  const { keeper, store } = (await start(1)).node(0);
  store.latency = () => new Promise(() => {});
  const waiting = refusal(keeper.take(WEB.id, container(), undefined));
  await vi.advanceTimersByTimeAsync(3_000);
  expect((await waiting).code).toBe('no-agreement');
});

test('a first block is kept trying for', async () => {
  vi.useFakeTimers();
  const { keeper, store, state } = (await start(1)).node(0);
  store.cut();
  expect((await refusal(keeper.ensureFirst(WEB.id))).code).toBe('no-agreement');
  store.heal();
  await vi.advanceTimersByTimeAsync(30_000);
  expect(state.leases(WEB.id)).toHaveLength(1);
  await keeper.ensureFirst(WEB.id);
});

describe('peers', () => {
  test('that ask nonsense are told so', async () => {
    const { keeper } = (await start(1)).node(0);
    const serve = (path: string, body: string) => keeper.servePeer(`${LEASES_PATH}${path}`, testNodeId(9), body);
    expect(await serve('steal', '{}')).toMatchObject({ status: 404 });
    for (const body of ['', '[]', '{"network":"x"}', `{"network":"${WEB.id}","address":-1}`, ' '.repeat(5_000)]) {
      expect(await serve('cede', body)).toMatchObject({ status: 400 });
    }
    expect(await serve('reclaim', `{"network":"${WEB.id}"}`)).toEqual({ status: 200, body: '{"kind":"none"}' });
    expect(await serve('return', `{"network":"${'e'.repeat(64)}"}`)).toEqual({ status: 200, body: '{"kind":"given"}' });
  });

  test('what is encoded is decoded, and no text breaks the decoders', () => {
    const networks = fc.stringMatching(/^[0-9a-f]{64}$/).map((text) => text as NetworkId);
    const requests = fc.oneof(
      fc.record({ kind: fc.constant('cede' as const), network: networks, address: fc.nat({ max: 2 ** 32 - 1 }) }),
      fc.record({ kind: fc.constantFrom('reclaim' as const, 'return' as const), network: networks }),
    );
    fc.assert(
      fc.property(requests, (request) => {
        const { path, body } = encodeLeaseRequest(request);
        expect(decodeLeaseRequest(path, body)).toEqual(request);
      }),
    );
    const answers = fc
      .constantFrom('given' as const, 'not-mine' as const, 'none' as const, 'no-agreement' as const)
      .map((kind) => ({ kind }));
    fc.assert(
      fc.property(answers, (answer) => {
        expect(decodeLeaseAnswer(encodeLeaseAnswer(answer))).toEqual(answer);
      }),
    );
    const used = { kind: 'in-use' as const, by: container() };
    expect(decodeLeaseAnswer(encodeLeaseAnswer(used))).toEqual(used);
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), fc.constantFrom('cede', 'reclaim', 'return', 'x', ''), (body, kind) => {
        const only = (decode: () => unknown) => {
          try {
            decode();
          } catch (error) {
            expect(error).toBeInstanceOf(SyntaxError);
          }
        };
        only(() => decodeLeaseRequest(`${LEASES_PATH}${kind}`, body));
        only(() => decodeLeaseAnswer(body));
      }),
    );
  });

  test('what the disk holds is read as it was written, and junk as nothing', () => {
    const block = { base: ip('10.0.0.0'), prefix: 29 };
    const lease = { network: WEB.id, node: testNodeId(1), block };
    const kept = [
      { network: WEB.id, pending: { guard: 7, add: [lease], remove: [lease] }, floor: { epoch: 1, revision: 9 }, recent: [1, 2] },
      { network: TINY.id, pending: undefined, floor: undefined, recent: [] },
    ];
    expect(keptLeasesOf(JSON.parse(JSON.stringify(kept)))).toEqual(kept);
    fc.assert(fc.property(fc.jsonValue(), (junk) => Array.isArray(keptLeasesOf(junk))));
  });
});
