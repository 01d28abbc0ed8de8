import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, type TestContext } from 'vitest';
import { AgreementLab, type AgreementLabOptions, type AgreementNode, QUICK } from '../../../test/lab/agreement-lab.ts';
import { until } from '../../../test/lab/shell.ts';
import { AgreementUnavailable, type ReplicatedStore } from '../port.ts';

/**
 * Real members, real certificates, on loopback addresses: each sees the others by their names only. Few scenarios, each
 * through several stages and all at a time, as etcd lets members change every five seconds at most.
 */
async function labOf(
  { onTestFinished }: TestContext,
  nodes: number,
  more: Pick<AgreementLabOptions, 'without' | 'tuning'> = {},
): Promise<AgreementLab> {
  const tuning = { ...QUICK, replaceAfterMs: 6_000, ...more.tuning };
  const lab = await AgreementLab.create({ dir: mkdtempSync(join(tmpdir(), 'agree-')), nodes, ...more, tuning });
  onTestFinished(() => lab.down());
  return lab;
}

const put = (store: ReplicatedStore, key: string, value = key) =>
  store.transact({ when: [{ key, is: 'absent' }], then: [{ put: key, value }] });
const keysOf = async (store: ReplicatedStore, prefix: string) => (await store.range(prefix)).value.map(({ key }) => key);
const on = (each: AgreementNode): boolean => each.isOn;

describe.concurrent('one member', () => {
  it('is founded, killed, restarted at another address, recovered from entries, and leaves nothing', async (context) => {
    const { nodes } = await labOf(context, 1);
    const node = nodes[0]!;
    expect(await node.host.status()).toMatchObject({ hasQuorum: false, members: [], isCandidate: true, wanted: 1 });
    await node.host.found();
    await put(node.store, 'kept');
    expect(await node.host.status()).toMatchObject({
      hasQuorum: true,
      members: [{ node: node.id, role: 'leader', epoch: 1 }],
      troubles: [],
    });

    const first = node.etcdPid();
    node.killEtcd();
    await put(node.store, 'after-kill');
    expect(node.etcdPid()).not.toBe(first);

    await node.off();
    expect(existsSync(`/proc/${first}`)).toBe(false);
    node.ip = node.ip.replace(/\d+$/, '77');
    node.on();
    await until('the member to serve', () => put(node.store, 'after-move').then(({ committed }) => committed), 40_000);
    expect(readFileSync(join(node.dir, '..', 'r0', 'hosts'), 'utf8')).toContain(`${node.ip} m${node.id}.caravela.internal`);
    expect(await keysOf(node.store, 'after')).toEqual(['after-kill', 'after-move']);

    const old = node.store;
    const entries = Array.from({ length: 150 }, (_, n) => ({ key: `old/${n}`, value: 'x'.repeat(9_000) }));
    const version = await node.host.recoverFrom(entries, 7);
    expect(version.epoch).toBe(7);
    expect(await keysOf(node.store, 'old/')).toHaveLength(150);
    expect((await node.store.get('kept')).value).toBeUndefined();
    expect((await node.store.get('kept')).version).toEqual(version);
    expect(old).not.toBe(node.store);
    expect(node.changes).toEqual(['founded', 'closed', 'started', 'closed', 'recovered']);

    const last = node.etcdPid();
    await node.off();
    node.host.wipe();
    expect([existsSync(node.dir), existsSync(`/proc/${last}`)]).toEqual([false, false]);
  });

  it('says what is missing where etcd can’t be run, and leaves nothing half made', async (context) => {
    const { nodes } = await labOf(context, 2);
    await nodes[0]!.host.found();
    nodes[1]!.ip = nodes[0]!.ip;
    await expect(nodes[1]!.host.found()).rejects.toThrow(/did not start: .*address already in use/);
    expect(nodes[1]!.host.isMember).toBe(false);
    expect(existsSync(join(nodes[1]!.dir, 'member.json'))).toBe(false);
    expect(nodes[1]!.etcdPid()).toBeUndefined();
  });

  it('is none where agreement was rebuilt since, or its data is gone, and follows nobody of the past', async (context) => {
    const { nodes } = await labOf(context, 2);
    const [node, other] = nodes as [AgreementNode, AgreementNode];
    await node.host.found();
    for (const each of nodes) each.host.start();

    other.host.epochSeen(5);
    const asked = (verb: string, question: object) =>
      other.host.servePeer(node.id, `/agreement/members/${verb}`, Buffer.from(JSON.stringify(question)));
    expect((await asked('prepare', {})).status).toBe(200);
    const secrets = 'the key';
    const invitation = { epoch: 4, certificatePem: 'c', secrets, initialCluster: 'm1=https://m1:2380', members: [node.id] };
    const refused = await asked('join', invitation);
    expect([refused.status, refused.body.toString()]).toEqual([
      409,
      expect.stringMatching(/rebuilt, as epoch 5: .* epoch 4 is of the past/),
    ]);
    expect([other.secrets, other.host.isMember]).toEqual([[], false]);
    await expect(other.host.recoverFrom([], 5)).rejects.toThrow(/rebuilt just now, as epoch 5/);

    await node.off();
    rmSync(join(node.dir, 'etcd'), { recursive: true });
    node.on();
    expect([node.host.isMember, existsSync(join(node.dir, 'member.json'))]).toEqual([false, false]);

    await node.host.recoverFrom([{ key: 'kept', value: '' }], 6);
    await node.off();
    node.on((host) => host.epochSeen(7));
    expect([node.host.isMember, node.host.store, existsSync(join(node.dir, 'etcd'))]).toEqual([false, undefined, false]);
  });

  it('makes room where its database is full of what was overwritten', async (context) => {
    const { nodes } = await labOf(context, 1, { tuning: { quotaBytes: 6 * 1024 * 1024, restMs: 0 } });
    const { host } = nodes[0]!;
    await host.found();
    const value = 'x'.repeat(400_000);
    // Four times what it may hold; each write waits for room where there is none.
    for (let n = 0; n < 60; n++) {
      const { committed } = await host.store!.transact({ when: [], then: [{ put: 'large', value }] });
      expect(committed).toBe(true);
    }
    expect((await host.status()).members[0]!.bytes).toBeLessThan(8 * 1024 * 1024);
  });
});

describe.concurrent('three members', () => {
  it('outlive a leader that is killed, all addresses changing, a member that is gone, and hand over', async (context) => {
    const lab = await labOf(context, 4);
    const { nodes } = lab;
    await lab.up(3);
    const acknowledged: string[] = [];
    let n = 0;
    const write = async () => {
      const key = `w/${String(n++).padStart(4, '0')}`;
      const view = nodes.filter((each) => on(each) && each.host.store !== undefined)[n % 3];
      if (view !== undefined && (await put(view.store, key).catch(() => undefined))?.committed === true) acknowledged.push(key);
    };
    const expectAll = async (store: ReplicatedStore) => expect(await keysOf(store, 'w/')).toEqual(expect.arrayContaining(acknowledged));

    // The fourth has no part in it, and knows the keys of nobody.
    const members = await lab.untilMembers(3);
    const spare = nodes.find((each) => !members.includes(each))!;
    expect(spare.secrets).toEqual([]);
    expect(await spare.host.status()).toMatchObject({ hasQuorum: false });

    const leader = await lab.leader();
    for (let round = 0; round < 5; round++) await write();
    leader.killEtcd();
    for (let round = 0; round < 20; round++) await write();
    await until('a write after the kill', async () => (await write(), acknowledged.includes(`w/${String(n - 1).padStart(4, '0')}`)));
    await expectAll(members.find((each) => each !== leader)!.store);

    await Promise.all(nodes.map((each) => each.off()));
    for (const each of nodes) each.ip = each.ip.replace(/\d+$/, (last) => String(Number(last) + 100));
    for (const each of nodes) each.on();
    await until('a write at the new addresses', () => put(members[0]!.store, 'moved').then(() => true), 40_000);
    await expectAll(members[2]!.store);

    await failsWithoutMajority(members);

    // One is gone for good: the spare takes its place, and is given the CA key.
    const gone = members.find((each) => each.host.isMember)!;
    await gone.off();
    const replaced = await lab.untilMembers(3);
    expect(replaced).toContain(spare);
    expect(spare.secrets).toEqual([lab.authority.privateKeyPem]);
    await expectAll(spare.store);

    // It comes back, is told that it is out, and is a candidate again.
    gone.on();
    await until('the lost member to end', async () => !gone.host.isMember);
    expect(gone.changes.at(-1)).toBe('removed');
    expect(existsSync(join(gone.dir, 'etcd'))).toBe(false);

    // The leader leaves: it hands over, and the one that came back is called.
    const leaving = await lab.leader();
    expect(await leaving.host.handOver()).toBe('handed-over');
    await leaving.off();
    leaving.hasLeft = true;
    expect(await lab.untilMembers(3)).toContain(gone);
    await expectAll(gone.store);
  });
});

/** Two of three go: the third refuses in time, says that nothing changed, and serves again when one is back. */
async function failsWithoutMajority([left, ...others]: readonly AgreementNode[]): Promise<void> {
  for (const each of others) await each.off();
  const store = left!.store;
  // The first refusal may come while the leader still believes in itself.
  await until('the member to know', () =>
    put(store, 'unknown').then(
      () => false,
      (error: AgreementUnavailable) => error.changed === 'no',
    ),
  );
  const startedMs = performance.now();
  const [refusal, read, status] = await Promise.all([
    put(store, 'refused').catch((error: unknown) => error),
    store.get('moved').catch((error: unknown) => error),
    left!.host.status(),
  ]);
  expect(performance.now() - startedMs).toBeLessThan(4_000);
  expect(refusal).toBeInstanceOf(AgreementUnavailable);
  expect((refusal as AgreementUnavailable).message).toMatch(
    /no majority of the agreement members answered within 2.5 s .*agreement status/,
  );
  expect(read).toBeInstanceOf(AgreementUnavailable);
  expect(status.hasQuorum).toBe(false);
  expect(status.troubles.join('\n')).toMatch(/node-\d does not answer[^]*no majority/);
  for (const each of others) each.on();
  await until('the majority', () => store.get('moved').then(({ value }) => value !== undefined));
  expect((await store.get('refused')).value).toBeUndefined();
}

describe.concurrent('an instance that changes', () => {
  it('has one member below three nodes with etcd, hands over to another, and ends the past after a recovery', async (context) => {
    const lab = await labOf(context, 3, { without: [1] });
    const { nodes } = lab;
    const [a, , c] = nodes as [AgreementNode, AgreementNode, AgreementNode];
    await lab.up(1);
    await until('the leader to know who has etcd', async () => (await a.host.status()).wanted === 1);
    expect((await nodes[1]!.host.status()).troubles.join()).toMatch(/etcd is not installed on this node, so/);
    await expect(nodes[1]!.host.found()).rejects.toThrow(/etcd is not installed on this host, .*apt install etcd-server/);
    await put(a.store, 'kept');
    expect(await a.host.handOver()).toBe('handed-over');
    expect([a.host.isMember, await keysOf(c.store, 'kept')]).toEqual([false, ['kept']]);
    expect(a.changes.at(-1)).toBe('removed');
    expect(await a.host.handOver()).toBe('not-a-member');

    // Nobody can be reached from the member: writes fail in time and say that nothing changed.
    await a.host.recoverFrom([{ key: 'kept', value: 'newer' }], 2);
    c.host.epochSeen(2);
    await until('the member of the past to end', async () => !c.host.isMember);
    expect((await a.store.get('kept')).value?.value).toBe('newer');
    a.hasLeft = c.hasLeft = true;
    nodes[1]!.hasLeft = true;
    expect(await a.host.handOver()).toBe('nobody-to-take-over');
  });

  it('shrinks to one as its leaders leave, are removed, or go while they are called, and loses nothing', async (context) => {
    const lab = await labOf(context, 4, { tuning: { refusedMs: 8_000 } });
    const { nodes } = lab;
    const founder = nodes[0]!;
    await founder.host.found();
    for (const node of nodes) node.host.start();
    await put(founder.store, 'kept');

    // One leaves in the moment in which it becomes a member, which it does not know yet.
    let called: AgreementNode | undefined;
    await until('one to be called', async () => (called = nodes.find(({ host }) => host !== founder.host && host.isMember)) !== undefined);
    await until('it to be promoted', async () => {
      const { members } = await called!.host.status();
      return members.some(({ node, role }) => node === called!.id && role === 'follower');
    });
    expect(await called!.host.handOver()).toBe('handed-over');
    expect(called!.host.isMember).toBe(false);
    await put(founder.store, 'after-the-first');
    await called!.off();
    called!.hasLeft = true;

    // The leader leaves, and is not called again while the others do not know.
    await lab.untilMembers(3);
    const leaving = await lab.leader();
    expect(await leaving.host.handOver()).toBe('handed-over');
    const [left] = nodes.filter((each) => on(each) && each !== leaving && each.host.store !== undefined);
    await put(left!.store, 'after-the-leader');
    expect(leaving.host.isMember).toBe(false);
    await leaving.off();
    leaving.hasLeft = true;

    // Of two the one that leads leaves: the other has it all.
    const [last] = await lab.untilMembers(1);
    expect(await last!.host.handOver()).toBe('handed-over');
    await last!.off();
    last!.hasLeft = true;
    const [only] = await lab.untilMembers(1);
    expect(await keysOf(only!.store, '')).toEqual(expect.arrayContaining(['kept', 'after-the-first', 'after-the-leader']));
  });

  it('goes on as one of it was rebuilt elsewhere: the majority of the past ends, and is called anew', async (context) => {
    const lab = await labOf(context, 3);
    await lab.up(3);
    const leader = await lab.leader();
    const rebuilt = lab.nodes.find((node) => node !== leader)!;
    rebuilt.isCutOff = true;
    const { epoch } = await rebuilt.host.recoverFrom([{ key: 'kept', value: 'newer' }], 9);
    await put(leader.store, 'kept', 'older');
    rebuilt.isCutOff = false;
    await until('all to be of the new epoch', async () => {
      const serving = await lab.untilMembers(3);
      const versions = await Promise.all(serving.map(({ store }) => store.get('kept')));
      return versions.every(({ version, value }) => version.epoch === epoch && value?.value === 'newer');
    });
    // It was never taken for a dead one of the old, and called to them.
    expect(rebuilt.changes.slice(-1)).toEqual(['recovered']);
  });

  it('takes out a leader whose node was removed from the instance', async (context) => {
    const lab = await labOf(context, 3);
    await lab.up(3);
    const removed = await lab.leader();
    removed.hasLeft = true;
    await until('it to be no member', async () => !removed.host.isMember);
    const [only] = await lab.untilMembers(1);
    expect(only).not.toBe(removed);
    expect((await put(only!.store, 'after')).committed).toBe(true);
  });
});
