/** Ports of the host and networks: where a container can't be because of them, and what users are told. */
import { expect, test } from 'vitest';
import type { Constraint, HostPort, NodeId, Request, Result, Stack } from '../model/index.ts';
import { requestId } from '../model/index.ts';
import { room } from './test-instance.ts';
import type { TestInstance, TestNode } from './test-instance.ts';
import { firstOf, instanceOf, placed, refused } from './test-words.ts';

const tcp = (port: number, ip = 0): HostPort => ({ protocol: 'tcp', ip, port });
const on = (node: TestNode): Partial<Request> => ({
  constraints: [{ key: 'node', operator: '==', value: node.record.name, soft: false } satisfies Constraint],
});
const [SMALL, LOOPBACK] = [room(0.1, 16), 0x7f00_0001];

function run(instance: TestInstance, change: Partial<Request>, at = firstOf(instance)): Result {
  return instance.ask(at, { kind: 'run', request: instance.request(SMALL, change), exclude: [] });
}

function stackOf(instance: TestInstance, group: 'co-location' | 'none', ...ports: readonly HostPort[]): Stack {
  const parts = ports.map((port, i) => ({
    request: instance.request(SMALL, { name: `part-${i}`, hostPorts: [port] }),
    group: group === 'none' ? undefined : 'pod',
  }));
  return { id: requestId(instance.random.hex(16)), groups: group === 'none' ? [] : [{ name: 'pod', policy: group }], parts };
}

const suppliersOf = (result: Result): readonly NodeId[] =>
  result.ok && (result.kind === 'stack-placed' || result.kind === 'planned') ? result.parts.map(({ supplier }) => supplier) : [];

test('one port, as many containers as nodes; then a refusal that says who has it', () => {
  const instance = instanceOf(3);
  const nodes = ['web-a', 'web-b', 'web-c'].map((name) => placed(run(instance, { name, hostPorts: [tcp(8080)] })).supplier);
  expect(new Set(nodes).size).toBe(3);
  expect(refused(run(instance, { hostPorts: [tcp(443), tcp(8080)] })).error).toMatchObject({
    code: 'no-room',
    message: expect.stringMatching(
      /^no node can take it: of 3 nodes 3 have port 8080\/tcp taken \(by web-[abc], web-[abc], web-[abc]\)$/,
    ) as unknown,
  });
  placed(run(instance, { hostPorts: [{ ...tcp(8080), protocol: 'udp' }] }));
  expect(instance.nodes.map(({ node }) => node.resources().holds)).toEqual([0, 0, 0]);
});

test('addresses of one port: different ones get along, all of them with none', () => {
  const instance = instanceOf(1);
  placed(run(instance, { name: 'inner', hostPorts: [tcp(80, LOOPBACK)] }));
  placed(run(instance, { hostPorts: [tcp(80, LOOPBACK + 1)] }));
  expect(refused(run(instance, { hostPorts: [tcp(80)] })).error.message).toContain('1 has port 80/tcp taken (by inner)');
  expect(refused(run(instance, { hostPorts: [tcp(80, LOOPBACK)] })).error.message).toContain(
    '1 has port 127.0.0.1:80/tcp taken (by inner)',
  );
});

test('a port is its container’s until it is removed: while it is stopped, after a restart of its node, and its own to start with', () => {
  const instance = instanceOf(1);
  const node = firstOf(instance);
  const { containerId } = placed(run(instance, { name: 'web', hostPorts: [tcp(80)] }));
  const command = (kind: 'start' | 'kill' | 'remove'): Result =>
    instance.ask(node, kind === 'kill' ? { kind, containerId, signal: 'KILL' } : { kind, containerId, force: false });
  expect(command('start').ok).toBe(true);
  expect(command('kill').ok).toBe(true);
  instance.run(1_000);
  expect(refused(run(instance, { hostPorts: [tcp(80)] })).error.message).toContain('80/tcp');
  instance.crash(node);
  instance.restart(node);
  instance.run(2_000);
  expect(refused(run(instance, { hostPorts: [tcp(80)] })).error.message).toContain('80/tcp');
  expect(command('start').ok).toBe(true);
  expect(command('kill').ok).toBe(true);
  instance.run(1_000);
  expect(command('remove').ok).toBe(true);
  placed(run(instance, { hostPorts: [tcp(80)] }));
});

test('two at once for one port: one gets it', () => {
  for (let seed = 1; seed <= 5; seed++) {
    const instance = instanceOf(2, room(2, 512), seed);
    const requests = Array.from({ length: 3 }, () => instance.request(SMALL, { hostPorts: [tcp(80)] }));
    const ids = requests.map((request, i) => instance.command(instance.nodes[i % 2] as TestNode, { kind: 'run', request, exclude: [] }));
    instance.run(60_000);
    const results = ids.map((id) => instance.result(id));
    expect(results.filter(({ ok }) => ok)).toHaveLength(2);
    for (const { node } of instance.nodes) expect([node.containers().length, node.resources().holds]).toEqual([1, 0]);
  }
});

test('parts of a stack go to different nodes, in the plan, too; a group that needs one port twice can’t be', () => {
  const instance = instanceOf(2);
  const ask = (kind: 'plan' | 'run-stack', stack: Stack): Result => instance.ask(firstOf(instance), { kind, stack, exclude: [] });
  const plan = ask('plan', stackOf(instance, 'none', tcp(80), tcp(80)));
  expect(new Set(suppliersOf(plan)).size).toBe(2);
  const tooMany = refused(ask('plan', stackOf(instance, 'none', tcp(80), tcp(80), tcp(80))));
  expect(tooMany.error.message).toMatch(/part-2: no node can take it: of 2 nodes 2 have port 80\/tcp taken \(by part-[01], part-[01]\)/);
  expect(refused(ask('run-stack', stackOf(instance, 'co-location', tcp(80), tcp(80, LOOPBACK)))).error).toEqual({
    code: 'invalid-request',
    message: "the containers of group pod can't be on one node: part-0 and part-1 both want port 127.0.0.1:80/tcp",
    changed: false,
  });
  const pod = suppliersOf(ask('run-stack', stackOf(instance, 'co-location', tcp(80), tcp(81))));
  expect([pod.length, new Set(pod).size]).toEqual([2, 1]);
  const next = placed(run(instance, { hostPorts: [tcp(81)] }));
  expect(next.supplier).not.toBe(pod[0]);
  expect(refused(run(instance, { name: 'greedy', hostPorts: [tcp(82), tcp(82)] })).error).toMatchObject({
    code: 'invalid-request',
    message: 'greedy asks for port 82/tcp of its host twice; publish it once',
  });
});

test('what the host has taken itself, but for the container that it keeps it for', () => {
  const instance = instanceOf(2);
  const [a, b] = instance.nodes as [TestNode, TestNode];
  const mine = instance.request(SMALL, { name: 'mine', hostPorts: [tcp(80)], ...on(a) });
  const busy = [
    { ...tcp(80), owner: mine.containerId, by: 'mine' },
    { ...tcp(22), owner: undefined, by: 'sshd' },
  ];
  for (const node of [a, b]) instance.ask(node, { kind: 'host-facts', facts: { busyPorts: busy, closedNetworks: [] } });
  expect(refused(run(instance, { hostPorts: [tcp(22)] })).error.message).toBe(
    'no node can take it: of 2 nodes 2 have port 22/tcp taken (by sshd)',
  );
  expect(refused(run(instance, { hostPorts: [tcp(80)] })).error.message).toContain('2 have port 80/tcp taken (by mine)');
  expect(placed(instance.ask(a, { kind: 'run', request: mine, exclude: [] })).supplier).toBe(a.record.id);
  instance.ask(b, { kind: 'host-facts', facts: { busyPorts: [], closedNetworks: [] } });
  expect(placed(run(instance, { hostPorts: [tcp(22), tcp(80)] })).supplier).toBe(b.record.id);
});

test('a network that a host can’t take part in', () => {
  const instance = instanceOf(2);
  const [a, b] = instance.nodes as [TestNode, TestNode];
  const closed = { busyPorts: [], closedNetworks: [{ vni: 7, why: 'its route 10.0.0.0/8 (eth0) overlaps' }] };
  instance.ask(a, { kind: 'host-facts', facts: closed });
  for (let i = 0; i < 3; i++) expect(placed(run(instance, { vnis: [4096, 7] })).supplier).toBe(b.record.id);
  placed(run(instance, { vnis: [8], ...on(a) }));
  instance.ask(b, { kind: 'host-facts', facts: closed });
  expect(refused(run(instance, { vnis: [7] })).error.message).toBe(
    "no node can take it: of 2 nodes 2 can't be on its network (its route 10.0.0.0/8 (eth0) overlaps)",
  );
});
