import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type AgreedNetwork, type Command, type ContainerId, containerId, type NetworkId, type Result } from '../../core/model/index.ts';
import type { EndpointLink } from '../../engine/port.ts';
import { parseCidr, parseIpv4 } from '../../lib/ipv4.ts';
import { NameResolver } from './name-resolver.ts';
import { TaskNetworks } from './task-networks.ts';

const link = (container: string, alias: string): EndpointLink => ({ container, alias });
const ip = (text: string): number => parseIpv4(text) as number;
const network = (digit: string, name: string, internal = false): AgreedNetwork => ({
  id: digit.repeat(64) as NetworkId,
  name,
  subnet: parseCidr(`10.${digit}.0.0/16`) ?? { base: 0, prefix: 32 },
  gateway: ip(`10.${digit}.0.1`),
  vni: Number(digit),
  internal,
  mtu: undefined,
  labels: {},
  options: {},
  createdAtMs: 0,
});
const [front, back, vault] = [network('1', 'front'), network('2', 'back'), network('3', 'vault', true)] as const;
const all = [front, back, vault];
const [web, safe] = ['a', 'b'].map((digit) => containerId(digit.repeat(64))) as [ContainerId, ContainerId];

let dir: string;
let asked: string[];
let known: Map<string, string>;
let complete: boolean;
let resolver: NameResolver;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'caravela-names-'));
  asked = [];
  known = new Map();
  complete = true;
  const tasks = new TaskNetworks(dir);
  const plug = (container: ContainerId, ...addresses: readonly [AgreedNetwork, string][]): void =>
    tasks.put({
      container,
      ports: [],
      endpoints: addresses.map(([{ id }, address], i) => ({
        network: id,
        address: ip(address),
        interfaceName: `eth${i}`,
        isDefaultRoute: i === 0,
        mac: undefined,
        names: [],
      })),
    });
  plug(web, [front, '10.1.0.5'], [back, '10.2.0.5'], [vault, '10.3.0.5']);
  plug(safe, [vault, '10.3.0.6']);
  resolver = new NameResolver({
    state: { networks: () => all, network: (id) => all.find((one) => one.id === id) },
    tasks,
    command: (command) => Promise.resolve(lookUp(command)),
    serversOf: (container) => (container === web ? ['192.0.2.1'] : []),
    linksOf: (container) => (container === web ? [link('proj_db_1', 'db'), link('f'.repeat(64), 'Full')] : []),
  });
});

afterEach(() => rmSync(dir, { recursive: true }));

function lookUp(command: Command): Result {
  if (command.kind !== 'look-up' || command.key.kind !== 'endpoint') throw new Error('the directory is only asked for endpoints');
  const text = `${command.key.network[0] ?? ''} ${command.key.name}`;
  asked.push(text);
  const value = known.get(text);
  const entries = value === undefined ? [] : [{ containerId: web, name: 'web', node: 'c'.repeat(32) as never, value }];
  return { ok: true, kind: 'found', entries, complete };
}

const at = (source: string, { gateway }: AgreedNetwork) => ({ source: ip(source), gateway });
const idsOf = (...networks: readonly AgreedNetwork[]): NetworkId[] => networks.map(({ id }) => id);

test('a container asks on all its networks, by which it asked first; anybody else on that alone', () => {
  const names = (source: string, network: AgreedNetwork): string[] => resolver.networksOf(at(source, network)).map(({ name }) => name);
  expect(names('10.2.0.5', back)).toEqual(['back', 'front', 'vault']);
  expect(names('10.1.0.77', front)).toEqual(['front']);
  expect(names('10.9.0.5', { ...front, gateway: ip('10.9.0.1') })).toEqual([]);
});

test('the first network on which somebody is called so; that there is none only where all that were asked are sure', async () => {
  known.set('2 db', '10.2.0.9');
  expect(await resolver.resolve(idsOf(front, back, vault), 'DB')).toEqual({ addresses: [ip('10.2.0.9')], complete: true });
  expect(asked).toEqual(['1 db', '2 db']);
  complete = false;
  expect(await resolver.resolve(idsOf(front), 'nobody')).toEqual({ addresses: [], complete: false });
});

test('who has an address is told on its own networks only', async () => {
  known.set('1 10.1.0.5', '10.1.0.5');
  expect(await resolver.reverse(ip('10.1.0.5'), idsOf(front))).toEqual({ names: ['web.front'], complete: true });
  expect(await resolver.reverse(ip('10.1.0.5'), idsOf(vault))).toEqual({ names: [], complete: true });
  expect(await resolver.reverse(ip('192.0.2.1'), idsOf(front))).toBeUndefined();
  expect(asked).toHaveLength(1);
});

test('the rest is asked of the container’s servers, else of the host’s; from internal networks alone of none', () => {
  expect(resolver.serversOf(at('10.1.0.5', front))).toEqual(['192.0.2.1']);
  expect(resolver.serversOf(at('10.3.0.5', vault))).toEqual(['192.0.2.1']);
  expect(resolver.serversOf(at('10.1.0.77', front))).toBeUndefined();
  expect(resolver.serversOf(at('10.3.0.6', vault))).toEqual([]);
});

test('a link is a name for the container that has it alone, on each of its networks', () => {
  const meant = (name: string) => [at('10.1.0.5', front), at('10.3.0.5', vault)].map((asker) => resolver.meant(asker, name));
  expect(meant('db')).toEqual(['proj_db_1', 'proj_db_1']);
  expect(meant('full')).toEqual(['f'.repeat(12), 'f'.repeat(12)]);
  expect(meant('other')).toEqual(['other', 'other']);
  expect(resolver.meant(at('10.3.0.6', vault), 'db')).toBe('db');
  expect(resolver.meant(at('10.9.0.6', vault), 'db')).toBe('db');
});
