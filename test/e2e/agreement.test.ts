/** What is agreed, as a user meets it: through the loss of its members, of a majority, of a node for ever, of an address. */
import { on } from 'node:events';
import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { InstanceId, NodeId } from '../../src/core/model/index.ts';
import { Opener } from '../../src/transport/datagram/opener.ts';
import { readHeader } from '../../src/transport/datagram/packet.ts';
import { checkGossipKeys, type GossipKeys } from '../../src/transport/trust/gossip-keys.ts';
import { settled, status } from '../lab/agreement-status.ts';
import { allAlive, type LabInstance, nodesSeenBy, startInstance } from '../lab/instance.ts';
import type { LabHost } from '../lab/lab-host.ts';
import { socketIn } from '../lab/packets/socket-in.ts';
import { must, shell, until } from '../lab/shell.ts';

/** Several of these may run at a time on one machine. */
const PID = process.pid.toString(36);
const DIR = `/tmp/ag${PID}`;
let instance: LabInstance;
beforeAll(async () => {
  instance = await startInstance({ name: `ag${PID}`, hosts: 5, joining: 4, dir: DIR });
}, 120_000);
afterAll(async () => {
  await instance?.down();
});
const host = (n: number) => instance.lab.host(n);

const numberOf = (name: string) => Number(name.replace('host', ''));

async function inside(at: LabHost, name: string, command: readonly string[]) {
  const pid = await at.ok(['inspect', '-f', '{{.State.Pid}}', name]);
  return at.run(['nsenter', '--target', pid, '--net', '--mount', '--', ...command]);
}

test('the nodes choose three of themselves, one of which leads', async () => {
  const members = await settled(host(4));
  expect(members.filter(({ role }) => role === 'leader')).toHaveLength(1);
  expect((await status(host(1))).wanted).toBe(3);
});

test('any node takes a join while the creator and its member are gone', async () => {
  await host(1).killDaemon();
  const { token } = JSON.parse(await host(2).ok(['token', 'create', '--format', 'json'])) as { token: string };
  await host(5).ok(['join', host(5).ip, host(3).ip, '--name', 'host5', '--token', token]);
  // Of the one that is dead it may not have heard.
  expect((await nodesSeenBy(host(5))).map(({ name }) => name)).toEqual(expect.arrayContaining(['host2', 'host3', 'host4', 'host5']));
  await host(5).ok(['run', '-d', '--name', 'newcomer', '--constraint', 'node==host5', instance.tools, 'sleep', '3600']);
  await host(5).ok(['rm', '-f', 'newcomer']);
  await host(1).startDaemon();
  await allAlive(host(1), 5);
});

test('without a majority everything goes on but what needs one, and that says why', async () => {
  const members = await settled(host(5));
  const [first, second, third] = members.map(({ name }) => numberOf(name)) as [number, number, number];
  await host(third).ok(['run', '-d', '--name', 'before', '--constraint', `node==host${third}`, instance.tools, 'sleep', '3600']);
  await host(first).killDaemon();
  await host(second).killDaemon();

  const create = await host(third).caravela(['network', 'create', 'impossible']);
  expect(create.code).toBe(1);
  expect(create.stderr).toContain('majority');
  const join = await host(third).caravela(['token', 'create']);
  expect(join.code).not.toBe(0);

  const place = (name: string) => ['run', '-d', '--name', name, '--constraint', `node==host${third}`, instance.tools, 'sleep', '3600'];
  await host(third).ok(place('during'));
  expect((await inside(host(third), 'during', ['ping', '-c', '1', '-W', '2', 'before'])).stdout).toContain(' 0% packet loss');
  await host(third).ok(['stop', '-t', '1', 'before']);
  await host(third).ok(['start', 'before']);
  expect(await host(third).ok(['ps', '--format', '{{.Names}}'])).toContain('during');
  expect((await status(host(third))).hasQuorum).toBe(false);

  await host(first).startDaemon();
  await host(second).startDaemon();
  await settled(host(third));
  await host(third).ok(['network', 'create', 'possible']);
  await host(third).ok(['network', 'rm', 'possible']);
  await host(third).ok(['rm', '-f', 'before', 'during']);
  await allAlive(host(first), 5);
});

describe('the engine', () => {
  /** Its processes on a host: those that run with the node's directory. */
  const engines = (at: LabHost): readonly number[] =>
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter((pid) => {
        try {
          const [program = '', ...words] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
          return program.endsWith('etcd') && words.some((word) => word.includes(`${at.dataDir}/`));
        } catch {
          return false;
        }
      });

  /** Another one than before, alone, that serves. */
  const another = (at: LabHost, before: number) =>
    until(
      'another engine, and one only',
      async () => {
        const [pid, ...more] = engines(at);
        if (more.length > 0) throw new Error(`${more.length + 1} engines run on ${at.name}`);
        const own = pid === before ? undefined : (await status(at)).members.find(({ name }) => name === at.name);
        return own?.isReachable;
      },
      40_000,
    );

  test('comes back when it is killed, and there are never two of it however the daemon ends', async () => {
    const [member] = await settled(host(1));
    const at = host(numberOf(member!.name));
    const [first] = engines(at) as [number];
    process.kill(first, 'SIGKILL');
    await another(at, first);

    const [second] = engines(at) as [number];
    await at.killDaemon();
    await at.startDaemon();
    await another(at, second);

    // One that does not hear that it is to end.
    const [third] = engines(at) as [number];
    process.kill(third, 'SIGSTOP');
    await at.killDaemon();
    await at.startDaemon();
    await another(at, third);
    await settled(host(1));
    expect(engines(at)).toHaveLength(1);
  });
});

describe('a node that moves', () => {
  test('is followed by its containers’ packets and by agreement', async () => {
    await settled(host(1));
    await host(1).ok(['run', '-d', '--name', 'far', '--constraint', 'node==host3', instance.tools, 'sleep', '3600']);
    await host(1).ok(['run', '-d', '--name', 'near', '--constraint', 'node==host1', instance.tools, 'sleep', '3600']);
    const netns = host(3).netns;
    const moved = host(3).ip.replace(/\d+$/, '103');
    await must(['ip', '-n', netns, 'addr', 'del', `${host(3).ip}/24`, 'dev', 'eth0']);
    await must(['ip', '-n', netns, 'addr', 'add', `${moved}/24`, 'dev', 'eth0']);
    await must(['ip', '-n', netns, 'route', 'replace', 'default', 'via', instance.lab.bridgeIp]);
    await until(
      'near to reach far again',
      async () => (await inside(host(1), 'near', ['ping', '-c', '1', '-W', '1', 'far'])).code === 0,
      60_000,
    );
    await settled(host(1));
    const rows = await nodesSeenBy(host(1));
    expect(rows.find(({ name }) => name === 'host3')?.address).toContain(moved);
    await host(1).ok(['rm', '-f', 'far', 'near']);
  });
});

describe('a node that is gone for ever', () => {
  test('is removed by name, its addresses are free, and it is not taken back', async () => {
    const members = (await settled(host(1))).map(({ name }) => name);
    const outsider = ['host4', 'host5', 'host2'].find((name) => !members.includes(name)) ?? 'host5';
    const n = numberOf(outsider);
    const words = ['--constraint', `node==${outsider}`, '-p', '8620:80', instance.tools, 'sleep', '3600'];
    await host(1).ok(['run', '-d', '--name', 'lost', ...words]);
    const refused = await host(1).caravela(['nodes', 'rm', outsider]);
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain('--force');
    await host(n).killDaemon();
    const blocks = async () => (await host(1).ok(['network', 'inspect', 'caravela'])).includes(outsider);
    expect(await blocks()).toBe(true);
    await until('the node to be known as gone', async () => (await host(1).caravela(['nodes', 'rm', outsider])).code === 0, 40_000);
    await until('its blocks to be free', async () => !(await blocks()));
    // Nobody waits for it to answer who has a name.
    const nobody = async () => (await host(1).caravela(['run', '--rm', instance.tools, 'nslookup', 'nobody'])).stdout.includes('NXDOMAIN');
    await until('a name to be denied', nobody);
    // Free is the port that was kept here for what ran there.
    await host(1).ok(['run', '--rm', '-p', '8620:80', instance.tools, 'true']);
    await host(n).caravela(['daemon']);
    await until('it to say that it was removed', async () => host(n).log().includes('was removed from'), 40_000);
    const seen = (await nodesSeenBy(host(1))).filter(({ state }) => state === 'alive').map(({ name }) => name);
    expect(seen).not.toContain(outsider);
    expect(await changedFrom(host(1), kept(host(n)).keys.use)).toMatchObject({ use: 1 });
  });

  test('knows a key of datagrams that opens nothing any more; one that was off meanwhile finds its way back in', async () => {
    const rows = (await nodesSeenBy(host(1))).filter(({ state }) => state === 'alive');
    const names = rows.map(({ name }) => name);
    const taking = (await settled(host(1))).map(({ name }) => name);
    const asked = taking.includes('host1') ? 'host1' : taking[0]!;
    const removed = taking
      .filter((name) => name !== asked)
      .toSorted()
      .at(-1)!;
    const off = names.find((name) => !taking.includes(name))!;
    const [at, gone, away] = [host(numberOf(asked)), host(numberOf(removed)), host(numberOf(off))];
    const before = await changedFrom(at, undefined);
    await away.killDaemon();
    const goneKeys = kept(gone).keys;
    await gone.killDaemon();
    await until('the node to be known as gone', async () => (await at.caravela(['nodes', 'rm', removed])).code === 0, 40_000);
    const after = await changedFrom(at, before.use);
    expect(after.keys).toHaveLength(1);

    // What the others send it now. One that it knew, and one that was removed, can't open it.
    const senders = new Set(names.filter((name) => name !== removed && name !== off).map((name) => kept(host(numberOf(name))).node));
    const [awayIp] = rows.find(({ name }) => name === off)!.address.split(':') as [string];
    const packet = await until('a datagram', () => nextDatagram(away.netns, awayIp, senders), 60_000);
    const openedBy = (keys: GossipKeys) => new Opener(kept(at).instance, kept(away).node, keys).open(packet);
    expect([openedBy(after).ok, openedBy(goneKeys), openedBy(kept(away).keys)]).toEqual([
      true,
      { ok: false, why: 'key' },
      { ok: false, why: 'key' },
    ]);

    await away.startDaemon();
    await until('the node that was off to know the key', async () => kept(away).keys.use === after.use, 20_000);
    const left = names.filter((name) => name !== removed).map((name) => host(numberOf(name)));
    for (const each of left) await allAlive(each, left.length);
    // It may just be invited to take part in agreement; where that fails, it is asked again much later.
    await settled(at, left.length);

    // One that runs, and is cut off meanwhile: only datagrams tell the two sides of each other again.
    await instance.lab.cable(away, false);
    await allAlive(at, left.length - 1);
    await at.ok(['agreement', 'rotate-key']);
    const third = await changedFrom(at, after.use);
    expect(kept(away).keys.use).toBe(after.use);
    await instance.lab.cable(away, true);
    await until('the node that was cut off to know the key', async () => kept(away).keys.use === third.use, 60_000);
    for (const each of left) await allAlive(each, left.length);
  });

  /** What a node keeps on its disk. A daemon that runs has locked it, so a copy is looked at. */
  function kept({ name, dataDir }: LabHost): { readonly keys: GossipKeys; readonly instance: InstanceId; readonly node: NodeId } {
    const copy = join(DIR, `state-of-${name}.db`);
    for (const part of ['', '-wal', '-shm']) {
      rmSync(`${copy}${part}`, { force: true });
      if (part !== '-shm' && existsSync(join(dataDir, `state.db${part}`))) copyFileSync(join(dataDir, `state.db${part}`), `${copy}${part}`);
    }
    const database = new DatabaseSync(copy);
    try {
      const document = (name: string): unknown =>
        JSON.parse(String(database.prepare('SELECT body FROM documents WHERE name = ?').get(name)?.['body']));
      const { instanceId } = document('instance') as { instanceId: InstanceId };
      const { nodeId } = document('node') as { nodeId: NodeId };
      return { keys: checkGossipKeys(document('gossip-keys')), instance: instanceId, node: nodeId };
    } finally {
      database.close();
    }
  }

  /** The keys of a node, when it has one only, and another than this. */
  const changedFrom = (at: LabHost, use: number | undefined) =>
    until(
      `${at.name} to have come to another key`,
      async () => {
        const { keys } = kept(at);
        return keys.keys.length === 1 && keys.use !== use && keys;
      },
      90_000,
    );

  /** Takes the place of a node that is off, for what one of these sends it. undefined: nothing came for a while. */
  async function nextDatagram(netns: string, ip: string, senders: ReadonlySet<NodeId>): Promise<Buffer | undefined> {
    const socket = socketIn(`/run/netns/${netns}`, ip, 8000);
    try {
      for await (const [packet] of on(socket, 'message', { signal: AbortSignal.timeout(15_000) }) as AsyncIterable<[Buffer]>) {
        if (senders.has(readHeader(packet).sender)) return packet;
      }
      return undefined;
    } catch {
      return undefined;
    } finally {
      socket.close();
    }
  }
});

test('a snapshot is put back as it was', async () => {
  const file = `${DIR}/snapshot.json`;
  await settled(host(1));
  await host(1).ok(['network', 'create', 'kept']);
  await host(1).ok(['agreement', 'snapshot', file]);
  await host(1).ok(['network', 'rm', 'kept']);
  const before = await status(host(1));
  await host(1).ok(['agreement', 'restore', '--force', file]);
  await until(
    'the network to be back everywhere',
    async () => (await host(2).ok(['network', 'ls', '--format', '{{.Name}}'])).split('\n').includes('kept'),
    30_000,
  );
  expect((await status(host(2))).version.epoch).toBeGreaterThan(before.version.epoch);
});

describe('a small instance', () => {
  let small: LabInstance;
  beforeAll(async () => {
    small = await startInstance({ name: `am${PID}`, hosts: 4, joining: 2, dir: `/tmp/am${PID}` });
  }, 120_000);
  afterAll(async () => {
    await small?.down();
  });
  const at = (n: number) => small.lab.host(n);
  const roles = async (n: number) => Object.fromEntries((await nodesSeenBy(at(n))).map(({ name, role }) => [name, role]));
  const tokenFrom = async (n: number) => (JSON.parse(await at(n).ok(['token', 'create', '--format', 'json'])) as { token: string }).token;
  const joining = async (n: number, by: number) => ['join', at(n).ip, at(by).ip, '--name', `host${n}`, '--token', await tokenFrom(by)];
  const place = (n: number, name: string) => ['run', '-d', '--name', name, '--constraint', `node==host${n}`, small.tools, 'sleep', '3600'];

  /** It is gone without a trace, and the others agree without it. */
  async function leaves(n: number, left: number): Promise<void> {
    await at(n).ok(['leave']);
    expect(at(n).log()).not.toContain('could not be given back');
    expect((await nodesSeenBy(at(left))).filter(({ state }) => state === 'alive').map(({ name }) => name)).not.toContain(`host${n}`);
    expect(await at(left).ok(['network', 'inspect', 'caravela'])).not.toContain(`host${n}`);
    await at(left).ok(['network', 'create', `after-${n}`]);
    await at(left).ok(['network', 'rm', `after-${n}`]);
  }

  test('is joined by a host without etcd, which takes no part in agreement, works, and says so', async () => {
    const hidden = [
      'unshare',
      '--mount',
      '--propagation',
      'private',
      'sh',
      '-c',
      'mount --bind /dev/null "$(command -v etcd)" && exec "$@"',
      'sh',
    ];
    const without = async (args: readonly string[]) => {
      const { code, stdout, stderr } = await shell([...hidden, ...at(4).words(args)], { env: at(4).env() });
      if (code !== 0) throw new Error(`${stdout}${stderr}`);
    };
    await without(await joining(4, 1));
    await allAlive(at(1), 3);
    expect(await roles(1)).toEqual({ host1: 'agreement', host2: 'none', host4: 'no etcd' });
    const seen = await status(at(4));
    expect(seen).toMatchObject({ hasQuorum: true, isCandidate: false });
    expect(seen.troubles.join()).toContain('apt install etcd-server');
    await at(4).ok(['network', 'create', 'from-there']);
    await at(4).ok(place(4, 'there'));
    await at(4).ok(['rm', '-f', 'there']);
    await at(4).ok(['network', 'rm', 'from-there']);
    expect((await status(at(1))).members.map(({ name }) => name)).toEqual(['host1']);
    await leaves(4, 1);
  });

  test('goes on, as the messages say, with the node that is left when the only agreement member is lost', async () => {
    await until('the second node to have the key for certificates', async () => existsSync(join(at(2).dataDir, 'identity', 'ca.key')));
    await at(2).ok(place(2, 'before'));
    const { version } = await status(at(2));
    await at(1).killDaemon();

    const startedMs = performance.now();
    const create = await at(2).caravela(['network', 'create', 'late']);
    // 3 s, and time for the program.
    expect(performance.now() - startedMs).toBeLessThan(6_000);
    expect(create.code).toBe(1);
    expect(create.stderr).toMatch(/the only agreement member is host1.*"caravela agreement recover"/);
    await at(2).ok(place(2, 'during'));
    expect((await inside(at(2), 'during', ['ping', '-c', '1', '-W', '2', 'before'])).stdout).toContain(' 0% packet loss');
    const lost = await status(at(2));
    expect([lost.hasQuorum, lost.troubles.join()]).toEqual([false, expect.stringContaining('caravela agreement recover')]);

    const unsure = await at(2).caravela(['agreement', 'recover'], { input: 'n\n' });
    expect([unsure.code, (await status(at(2))).hasQuorum]).toEqual([1, false]);
    await at(2).ok(['agreement', 'recover', '--force']);
    expect((await status(at(2))).version.epoch).toBeGreaterThan(version.epoch);
    const again = await at(2).caravela(['agreement', 'recover', '--force']);
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining('a majority of the agreement members answers')]);
    await at(2).ok(['network', 'create', 'late']);
    await at(2).ok(['rm', '-f', 'before', 'during']);

    // It was not lost for ever: its member is of the past, and ends.
    await at(1).startDaemon();
    await until('the old member to end', async () => (await roles(1))['host1'] === 'none', 40_000);
    expect((await at(1).ok(['network', 'ls', '--format', '{{.Name}}'])).split('\n')).toContain('late');
    expect((await status(at(1))).members.map(({ name }) => name)).toEqual(['host2']);
  });

  test('is left right after joining, by whoever leads, and down to the last', { timeout: 300_000 }, async () => {
    await at(3).ok(await joining(3, 2));
    await leaves(3, 2);
    await at(3).ok(await joining(3, 1));
    await leaves(1, 2);
    await at(1).ok(await joining(1, 3));
    await allAlive(at(1), 3);

    const members = await settled(at(1));
    const first = numberOf(members.find(({ role }) => role === 'leader')!.name);
    const others = [1, 2, 3].filter((n) => n !== first) as [number, number];
    await leaves(first, others[0]);
    const { members: rest } = await status(at(others[0]));
    const second = numberOf((rest.find(({ role }) => role === 'leader') ?? rest[0]!).name);
    const last = others.find((n) => n !== second)!;
    await leaves(second, last);
    await settled(at(last), 1);
    expect((await at(last).ok(['network', 'ls', '--format', '{{.Name}}'])).split('\n')).toContain('late');
    await at(first).ok(await joining(first, last));
    await allAlive(at(last), 2);
  });
});
