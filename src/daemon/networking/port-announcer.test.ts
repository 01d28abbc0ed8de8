import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { containerId, LIMITS, type MemberState, type NetworkId, nodeId } from '../../core/model/index.ts';
import { PortAnnouncer } from './port-announcer.ts';
import type { PortMessage, SentPortMessage } from './port-message.ts';

const TO = nodeId('2'.repeat(32));
const idOf = (n: number) => containerId(n.toString(16).padStart(64, '0'));
const A = idOf(1);
const port = { protocol: 'tcp' as const, ip: 0, port: 80, containerPort: 80, network: 'f'.repeat(64) as NetworkId, address: 1 };
const words = (change: Partial<PortMessage> = {}): PortMessage => ({ container: A, ports: [port], gone: false, ...change });

let state: MemberState | undefined;
let said: PortMessage[];
let orders: [number, number][];
let heard: PortMessage[];
let answer: () => Promise<void>;
let announcer: PortAnnouncer;
beforeEach(() => {
  vi.useFakeTimers();
  state = 'alive';
  said = [];
  orders = [];
  heard = [];
  answer = async () => {};
  announcer = new PortAnnouncer({
    async request(_to, { body }) {
      const { life, number, ...message } = JSON.parse((body as Buffer).toString()) as SentPortMessage;
      said.push(message);
      orders.push([life, number]);
      await answer();
      return { status: 200, headers: {}, body: Readable.from([Buffer.from(JSON.stringify(message.ports))]) };
    },
    stateOf: () => state,
    incarnation: () => 7,
    heard: ({ container, ports, gone }) => void heard.push({ container, ports, gone }),
    log: () => undefined,
  });
});
afterEach(() => {
  announcer.close();
  vi.useRealTimers();
});

describe('PortAnnouncer', () => {
  it('says the newest word after the one before: nothing overtakes', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    answer = () => promise;
    const first = announcer.announce(TO, words());
    const between = announcer.announce(TO, words({ ports: [] }));
    const last = announcer.announce(TO, words({ ports: [], gone: true }));
    await vi.advanceTimersByTimeAsync(0);
    expect(said).toEqual([words()]);
    resolve();
    await Promise.all([first, between, last]);
    expect(said).toEqual([words(), words({ ports: [], gone: true })]);
    // By which the other side knows the newer, whichever comes first.
    expect(orders).toEqual([
      [7, 1],
      [7, 3],
    ]);
    expect(announcer.servedFor(A)).toBeUndefined();
  });

  it('says what it could not say again, until it is heard', async () => {
    answer = () => Promise.reject(new Error('not reached'));
    await announcer.announce(TO, words());
    answer = async () => {};
    await vi.advanceTimersByTimeAsync(5_000);
    expect(announcer.servedFor(A)).toEqual({ node: TO, ports: [port] });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(said).toHaveLength(2);
  });

  it('waits for a node that is dead until it comes back, and forgets one that has left', async () => {
    state = 'dead';
    await announcer.announce(TO, words());
    await vi.advanceTimersByTimeAsync(60_000);
    expect(said).toEqual([]);
    state = 'alive';
    announcer.memberAlive(TO);
    await vi.advanceTimersByTimeAsync(0);
    expect(said).toHaveLength(1);
    announcer.memberLeft(TO);
    announcer.memberAlive(TO);
    await vi.advanceTimersByTimeAsync(60_000);
    expect([said.length, announcer.servedFor(A)]).toEqual([1, undefined]);
  });

  it('tells what was heard: the newest word alone, or that nobody listens any more', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    answer = () => promise;
    const first = announcer.announce(TO, words());
    const last = announcer.announce(TO, words({ ports: [] }));
    await vi.advanceTimersByTimeAsync(0);
    expect(heard).toEqual([]);
    resolve();
    await Promise.all([first, last]);
    expect(heard).toEqual([words({ ports: [] })]);
    answer = () => Promise.reject(new Error('not reached'));
    await announcer.announce(TO, words());
    expect(heard).toHaveLength(1);
    announcer.memberLeft(TO);
    state = undefined;
    await announcer.announce(TO, words());
    expect(heard.slice(1)).toEqual([words({ ports: [] }), words({ ports: [] })]);
  });

  it('asks one that is suspect again soon', async () => {
    state = 'suspect';
    await announcer.announce(TO, words());
    state = 'alive';
    await vi.advanceTimersByTimeAsync(5_000);
    expect(said).toHaveLength(1);
  });

  it('remembers a bounded number of containers that are gone', async () => {
    state = 'dead';
    await announcer.announce(TO, words());
    for (let n = 2; n <= LIMITS.containers + 10; n++) await announcer.announce(TO, words({ container: idOf(n), ports: [], gone: true }));
    state = 'alive';
    announcer.memberAlive(TO);
    await vi.advanceTimersByTimeAsync(0);
    expect(said).toHaveLength(LIMITS.containers);
    expect(said[0]).toEqual(words());
  });

  it('sets no timer once it is closed', async () => {
    answer = () => Promise.reject(new Error('not reached'));
    const announced = announcer.announce(TO, words());
    announcer.close();
    await announced;
    expect(vi.getTimerCount()).toBe(0);
  });
});
