/** create and join: what a newcomer may get wrong, and what they are told. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { allAlive, nodesSeenBy } from '../lab/instance.ts';
import { Lab } from '../lab/lab.ts';
import { until } from '../lab/shell.ts';

const lab = new Lab({ name: 'crvjoin', hosts: 4, dir: '/tmp/crvjoin', subnet: '10.78.4' });
const host = (n: number) => lab.host(n);
let token = '';

beforeAll(async () => {
  await lab.up();
  await host(1).ok(['create', host(1).ip, '--name', 'first']);
  ({ token } = JSON.parse(await host(1).ok(['token', 'create', '--format', 'json'])) as { token: string });
});
afterAll(async () => {
  await lab.down();
});

/** A refused command changes nothing: the host is as fresh as before. */
async function refused(n: number, args: readonly string[], words: RegExp): Promise<void> {
  const outcome = await host(n).caravela(args, { timeoutMs: 60_000 });
  expect(outcome.stderr).toMatch(words);
  expect(outcome.code).toBe(1);
  expect(outcome.stderr).not.toMatch(/at .*\.(ts|mjs):\d+/);
}

describe('create', () => {
  test('says what to do next', async () => {
    const other = new Lab({ name: 'crvsolo', hosts: 1, dir: '/tmp/crvsolo', subnet: '10.78.5' });
    try {
      await other.up();
      const text = await other.host(1).ok(['create', other.host(1).ip]);
      expect(text).toMatch(/caravela join .*10\.78\.5\.1 --token crvl1\./);
      expect(text).toMatch(/8001\/tcp/);
      expect(text).toMatch(/8000\/udp/);
    } finally {
      await other.down();
    }
  });

  test('twice is refused', () => refused(1, ['create', host(1).ip], /already/));
  test('with an address of another host is refused', () =>
    refused(2, ['create', '10.99.99.99'], /10\.99\.99\.99 is not an address of this host.*10\.78\.4\.2/s));
});

describe('join', () => {
  test('without a token', () => refused(2, ['join', host(2).ip, host(1).ip], /token/));
  test('with nonsense for a token', () => refused(2, ['join', host(2).ip, host(1).ip, '--token', 'abc'], /token/));
  test('with a token of another secret', () => {
    const [prefix, digest] = token.split('.') as [string, string];
    return refused(2, ['join', host(2).ip, host(1).ip, '--token', `${prefix}.${digest}.${'A'.repeat(32)}`], /token/);
  });
  test('with a token of another instance', () => {
    const [prefix, digest, secret] = token.split('.') as [string, string, string];
    const other = `${digest.startsWith('A') ? 'B' : 'A'}${digest.slice(1)}`;
    return refused(2, ['join', host(2).ip, host(1).ip, '--token', `${prefix}.${other}.${secret}`], /instance|token/);
  });
  test('where nobody listens', () => refused(2, ['join', host(2).ip, host(3).ip, '--token', token], /10\.78\.4\.3.*8001/s));
  test('where no host is', () => refused(2, ['join', host(2).ip, '10.78.4.99', '--token', token], /10\.78\.4\.99.*8001/s));
  test('with an expired token', async () => {
    const short = JSON.parse(await host(1).ok(['token', 'create', '--ttl', '1s', '--format', 'json'])) as { token: string };
    await new Promise((resolve) => setTimeout(resolve, 1300));
    await refused(2, ['join', host(2).ip, host(1).ip, '--token', short.token], /expired/);
  });
  test('with a taken port', async () => {
    const blocker = host(2).run(
      [process.execPath, '-e', `require('net').createServer().listen(8001, '${host(2).ip}'); setTimeout(() => {}, 15000)`],
      { timeoutMs: 20_000 },
    );
    await until('the port to be taken', async () => (await host(2).run(['ss', '-Hltn', 'sport = :8001'])).stdout !== '');
    await refused(2, ['join', host(2).ip, host(1).ip, '--token', token], /8001/);
    await host(2).run(['sh', '-c', "ss -Hltnp 'sport = :8001' | sed -n 's/.*pid=\\([0-9]*\\).*/\\1/p' | xargs -r kill"]);
    await blocker;
  });

  test('works after all that, and again from a node that is not the creator', async () => {
    await host(2).ok(['join', host(2).ip, host(1).ip, '--name', 'second', '--token', token]);
    await allAlive(host(1), 2);
    // The bootstrap node need not be the creator; the token travels in the environment.
    await host(3).ok(['join', host(3).ip, host(2).ip, '--name', 'second'], { env: { CARAVELA_TOKEN: token } });
    await allAlive(host(1), 3);
    const names = (await nodesSeenBy(host(3))).map((row) => row.name).toSorted();
    expect(names).toEqual(['first', 'second', 'second-2']);
    await refused(2, ['join', host(2).ip, host(1).ip, '--token', token], /already/);
  });

  test('a single-use token lets one in', async () => {
    const once = JSON.parse(await host(2).ok(['token', 'create', '--single-use', '--format', 'json'])) as { token: string; id: string };
    await host(4).ok(['daemon', '--seeds', host(1).ip], { env: { CARAVELA_TOKEN: once.token } });
    await allAlive(host(1), 4);
    await host(4).ok(['exit', '--force']);
    await refused(4, ['join', host(4).ip, host(1).ip, '--token', once.token], /used/);
    expect(await host(3).ok(['token', 'ls'])).toContain(once.id);
    await host(3).ok(['token', 'rm', once.id]);
    expect(await host(1).ok(['token', 'ls'])).not.toContain(once.id);
  });
});

test('a node keeps its identity when it comes back', async () => {
  const before = (await nodesSeenBy(host(1))).find((row) => row.name === 'second');
  await host(2).killDaemon('SIGTERM');
  await until(
    'host 1 to miss it',
    async () => (await nodesSeenBy(host(1))).find((row) => row.name === 'second')?.state !== 'alive',
    30_000,
  );
  await host(2).startDaemon();
  await allAlive(host(1), 3);
  const after = (await nodesSeenBy(host(1))).find((row) => row.name === 'second');
  expect(after?.id).toBe(before?.id);
});

test('two instances on one LAN never mix', async () => {
  await host(4).ok(['create', host(4).ip, '--name', 'stranger']);
  expect((await nodesSeenBy(host(4))).map((row) => row.name)).toEqual(['stranger']);
  expect((await nodesSeenBy(host(1))).some((row) => row.name === 'stranger')).toBe(false);
  await refused(4, ['join', host(4).ip, host(1).ip, '--token', token], /already/);
});
