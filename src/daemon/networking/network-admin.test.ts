import { describe, expect, it } from 'vitest';
import type { NetworkCreated } from '../../agreement/state/port.ts';
import { AgreementUnavailable } from '../../agreement/port.ts';
import type { AgreedNetwork } from '../../core/model/index.ts';
import { type Cidr, formatCidr, overlaps, parseCidr } from '../../lib/ipv4.ts';
import { LeaseInstance } from './lease-instance.test-helper.ts';
import { NetworkAdmin } from './network-admin.ts';

const cidr = (text: string): Cidr => parseCidr(text) ?? expect.fail(`${text} is no block`);

function admin(taken: readonly { block: Cidr; what: string }[] = []) {
  const networks: AgreedNetwork[] = [];
  const trouble: { next: Error | undefined } = { next: undefined };
  const createNetwork = async (network: AgreedNetwork): Promise<NetworkCreated> => {
    if (trouble.next !== undefined) throw trouble.next;
    const clash = networks.find((other) => other.name === network.name);
    if (clash !== undefined) return { ok: false, clash: 'name', with: clash };
    const rival = networks.find((other) => overlaps(other.subnet, network.subnet));
    if (rival !== undefined) return { ok: false, clash: 'subnet', with: rival };
    networks.push(network);
    return { ok: true };
  };
  const state = { networks: () => networks, createNetwork } as never;
  return { networks, trouble, admin: new NetworkAdmin({ state, taken: () => taken, wallMs: () => 1 }) };
}

const wish = (name: string, more: object = {}) => ({
  name,
  subnet: undefined,
  gateway: undefined,
  internal: false,
  labels: {},
  options: {},
  ...more,
});

describe('the network of a subnet', () => {
  const adminAt = (instance: LeaseInstance, n: number) =>
    new NetworkAdmin({ state: instance.node(n).state, taken: () => [], wallMs: () => 1 });

  it('is one, also where another node made it and it is not known here yet', async () => {
    const instance = await LeaseInstance.create(2, []);
    const made = await adminAt(instance, 0).ofSubnet('10.7.0.0/24');
    expect(instance.node(1).state.networks()).toEqual([]);
    expect(await adminAt(instance, 1).ofSubnet('10.7.0.0/24')).toEqual(made);
    instance.close();
  });

  it('is that which somebody gave another name meanwhile', async () => {
    const instance = await LeaseInstance.create(2, []);
    const made = await adminAt(instance, 0).create(wish('mine', { subnet: '10.7.0.0/24' }));
    expect(await adminAt(instance, 1).ofSubnet('10.7.0.0/24')).toEqual(made);
    await expect(adminAt(instance, 1).ofSubnet('10.7.0.0/16')).rejects.toMatchObject({ code: 'forbidden' });
    instance.close();
  });
});

describe('NetworkAdmin', () => {
  it('chooses subnets that overlap nothing, the gateway the first address', async () => {
    const { admin: it } = admin([{ block: cidr('10.211.0.0/17'), what: 'a route' }]);
    const a = await it.create(wish('a'));
    const b = await it.create(wish('b'));
    expect([a, b].map((network) => formatCidr(network.subnet))).toEqual(['10.212.0.0/16', '10.213.0.0/16']);
    expect(a.gateway).toBe(a.subnet.base + 1);
    expect(a.vni).not.toBe(b.vni);
  });

  it.each([
    [wish('none'), 'forbidden', 'operation is not permitted on predefined none network'],
    [wish('-x'), 'invalid', 'invalid network name "-x"'],
    [wish('x', { subnet: '10.0.0.0' }), 'invalid', 'invalid subnet "10.0.0.0"'],
    [wish('x', { subnet: '10.0.0.0/30' }), 'invalid', 'must have a prefix of /8 to /29'],
    [wish('x', { subnet: '127.0.0.0/16' }), 'invalid', 'is not for hosts'],
    [wish('x', { subnet: '169.254.8.0/24' }), 'invalid', 'is not for hosts'],
    [wish('x', { subnet: '198.18.5.0/24' }), 'invalid', 'where nodes have their inner addresses'],
    [wish('x', { subnet: '192.168.7.0/24' }), 'forbidden', 'overlaps its route 192.168.0.0/16 (eth0)'],
    [wish('x', { subnet: '10.9.0.0/24', gateway: '10.9.1.1' }), 'invalid', "must be a host's address in 10.9.0.0/24"],
    [wish('x', { options: { mtu: '99' } }), 'invalid', 'option mtu must be a whole number from 576'],
  ])('refuses %o', async (asked, code, message) => {
    const { admin: it, networks } = admin([{ block: cidr('192.168.0.0/16'), what: 'its route 192.168.0.0/16 (eth0)' }]);
    await expect(it.create(asked)).rejects.toMatchObject({ code, message: expect.stringContaining(message) as string });
    expect(networks).toEqual([]);
  });

  it('finds the network of a subnet, or makes it, once', async () => {
    const { admin: it, networks } = admin();
    const made = await it.ofSubnet('10.0.0.0/24');
    expect(made.name).toBe('net-10-0-0-0-24');
    expect(await it.ofSubnet('10.0.0.7/24')).toBe(made);
    expect(networks).toHaveLength(1);
    await expect(it.ofSubnet('10.0.0.0/16')).rejects.toMatchObject({ code: 'forbidden' });
  });

  it('says that a majority is missing', async () => {
    const { admin: it, trouble } = admin();
    trouble.next = new AgreementUnavailable('node-1 does not answer', 'no');
    await expect(it.create(wish('x'))).rejects.toMatchObject({
      code: 'no-agreement',
      message: 'making a network needs a majority of the agreement members: node-1 does not answer.',
    });
  });
});
