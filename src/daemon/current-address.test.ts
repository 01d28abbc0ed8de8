import { describe, expect, it } from 'vitest';
import { type MemberRecord, nodeId } from '../core/model/index.ts';
import { MemoryStore } from '../store/fake/memory-store.ts';
import { type AddressFacts, currentAddress, hasMoved } from './current-address.ts';
import { DOCUMENTS, type NodeSettings } from './settings.ts';

const settings = {
  nodeId: nodeId('a'.repeat(32)),
  name: 'n1',
  number: 1,
  address: { ip: '10.0.0.1', controlPort: 8001, gossipPort: 8000 },
} as NodeSettings;

function storeWith(...peers: string[]): MemoryStore {
  const store = new MemoryStore();
  store.putDocument(DOCUMENTS.node, settings);
  store.putMembers(
    peers.map((ip, i) => ({ id: nodeId(String(i).repeat(32)), address: { ip, controlPort: 8001, gossipPort: 8000 } }) as MemberRecord),
  );
  return store;
}
const host = (addresses: readonly string[], routes: Readonly<Record<string, string>> = {}): AddressFacts => ({
  addresses: () => addresses,
  towards: (peer) => Promise.resolve(routes[peer]),
});
const ipKept = (store: MemoryStore) => (store.document(DOCUMENTS.node) as NodeSettings).address.ip;
const silent = () => undefined;

describe('the address a node serves at', () => {
  it('stays while the host has it, whatever else it has', async () => {
    const store = storeWith('10.0.0.2');
    const facts = host(['10.0.0.1', '10.0.0.9'], { '10.0.0.2': '10.0.0.9' });
    expect(await currentAddress(store, silent, facts)).toEqual({ settings, bindIp: '10.0.0.1' });
    expect(await hasMoved(settings, ['10.0.0.2'], facts)).toBe(false);
  });

  it('becomes the one the host speaks to other members from, and is kept', async () => {
    const store = storeWith('10.9.9.9', '10.0.0.2');
    const facts = host(['172.17.0.1', '10.0.0.7'], { '10.0.0.2': '10.0.0.7' });
    const current = await currentAddress(store, silent, facts);
    expect(current.bindIp).toBe('10.0.0.7');
    expect(current.settings).toEqual({ ...settings, address: { ...settings.address, ip: '10.0.0.7' } });
    expect(ipKept(store)).toBe('10.0.0.7');
    expect(await hasMoved(settings, ['10.0.0.2'], facts)).toBe(true);
  });

  it('is not a bridge of containers because the cable is out: the node starts and waits', async () => {
    const store = storeWith('10.0.0.2');
    const facts = host(['172.17.0.1']);
    expect(await currentAddress(store, silent, facts)).toEqual({ settings, bindIp: '0.0.0.0' });
    expect(ipKept(store)).toBe('10.0.0.1');
    expect(await hasMoved(settings, ['10.0.0.2'], facts)).toBe(false);
  });

  it('alone in its instance, is the one towards anywhere', async () => {
    const current = await currentAddress(storeWith(), silent, host(['10.0.0.7'], { '192.0.2.1': '10.0.0.7' }));
    expect(current.bindIp).toBe('10.0.0.7');
  });

  it('on loopback stays', async () => {
    const store = storeWith();
    store.putDocument(DOCUMENTS.node, { ...settings, address: { ...settings.address, ip: '127.0.0.1' } });
    expect((await currentAddress(store, silent, host([]))).bindIp).toBe('127.0.0.1');
  });
});
