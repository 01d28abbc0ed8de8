import { mkdtempSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { AgreementLab, QUICK } from '../../../test/lab/agreement-lab.ts';
import { Prng } from '../../lib/prng.ts';
import { Watched } from '../contract.test-suite.ts';
import { AgreementUnavailable } from '../port.ts';
import { EtcdStore } from './etcd-store.ts';
import { type Fields, Gateway } from './gateway.ts';
import { testSeed } from '../../../test/seed.ts';

const seed = testSeed();

/** Stands between a store and its member: loses requests, loses answers, and lets some requests arrive when nobody waits any more. */
class BadLine {
  readonly #prng: Prng;
  readonly #gateway: Gateway;
  readonly #server = createServer((request, response) => void this.#pass(request, response));
  readonly #late = new Set<Promise<unknown>>();
  isBad = true;

  constructor(gateway: Gateway, prng: Prng) {
    this.#gateway = gateway;
    this.#prng = prng;
  }

  listen(socket: string): Promise<void> {
    return new Promise((resolve) => this.#server.listen(socket, resolve));
  }

  async settle(): Promise<void> {
    await Promise.all(this.#late);
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = JSON.parse((await buffer(request)).toString()) as Fields;
    const forward = () => this.#gateway.post(request.url!, body, 2_000);
    const fate = this.isBad && request.url === '/v3/kv/txn' ? this.#prng.float() : 1;
    if (fate < 0.1) {
      response.destroy();
    } else if (fate < 0.3) {
      await forward().catch(() => undefined);
      response.destroy();
    } else if (fate < 0.5) {
      response.destroy();
      const late = sleep(this.#prng.float() * 300).then(forward);
      this.#late.add(late.catch(() => undefined));
    } else {
      response.end(JSON.stringify(await forward()));
    }
  }
}

it(`a transaction comes about once where it says so, and never where it says not (SEED=${seed})`, async ({ onTestFinished }) => {
  const dir = mkdtempSync(join(tmpdir(), 'agree-'));
  const lab = await AgreementLab.create({ dir, nodes: 1, tuning: QUICK });
  onTestFinished(() => lab.down());
  await lab.up(1);
  const direct = new Gateway(join(dir, 'r0', 'etcd.sock:1'));
  const line = new BadLine(direct, new Prng(seed));
  await line.listen(join(dir, 'line'));
  const gateway = new Gateway(join(dir, 'line'));
  const store = new EtcdStore({ gateway, client: 'tester', epoch: 1, nowMs: () => performance.now() });
  const told = new Watched();
  lab.node(0).store.watch('event', 1, told, told.signal);

  const outcomes = new Map<string, 'yes' | 'no' | 'unknown'>();
  const write = async (value: string) => {
    const outcome = await store.transact({ when: [{ key: 'gate', is: 'present' }], then: [{ put: 'event', value }] }).then(
      ({ committed }) => (committed ? ('yes' as const) : ('no' as const)),
      (error: unknown) => {
        expect(error).toBeInstanceOf(AgreementUnavailable);
        return 'unknown' as const;
      },
    );
    outcomes.set(value, outcome);
  };
  // The gate opens and shuts meanwhile, so that a condition that failed comes true before a late attempt arrives.
  const over = new AbortController();
  const gate = (async () => {
    for (let open = true; !over.signal.aborted; open = !open) {
      await lab.node(0).store.transact({ when: [], then: [open ? { put: 'gate', value: '' } : { remove: 'gate' }] });
      await sleep(10);
    }
  })();
  await Promise.all(
    Array.from({ length: 12 }, async (_, writer) => {
      for (let n = 0; n < 15; n++) await write(`${writer}.${n}`);
    }),
  );
  over.abort();
  await gate;
  await line.settle();
  line.isBad = false;
  await lab.node(0).store.transact({ when: [], then: [{ put: 'event-last', value: '' }] });
  while (!told.calls.some((changes) => changes[0]?.key === 'event-last')) await sleep(10);

  const seen = told.calls.flat().flatMap(({ entry }) => (entry?.key === 'event' ? [entry.value] : []));
  expect(new Set(seen).size, 'none came about twice').toBe(seen.length);
  const by = (wanted: string) => [...outcomes].filter(([, outcome]) => outcome === wanted).map(([value]) => value);
  expect(by('yes').filter((value) => !seen.includes(value))).toEqual([]);
  expect(by('no').filter((value) => seen.includes(value))).toEqual([]);
  expect(seen.filter((value) => !by('yes').includes(value) && !by('unknown').includes(value))).toEqual([]);
  expect(Math.min(by('yes').length, by('no').length)).toBeGreaterThan(10);
  line.close();
  gateway.close();
  direct.close();
});
