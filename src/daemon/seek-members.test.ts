import { afterEach, beforeEach, expect, it } from 'vitest';
import { type MemberRecord, type NodeId, nodeId } from '../core/model/index.ts';
import { MemoryStore } from '../store/fake/memory-store.ts';
import { TestInstance } from '../transport/test-instance.ts';
import { seekMembers } from './seek-members.ts';

let ours: TestInstance;
let theirs: TestInstance;
beforeEach(async () => {
  ours = await TestInstance.create();
  theirs = await TestInstance.create();
});
afterEach(() => Promise.all([ours.stop(), theirs.stop()]));

it('looks for a member where it answers now, and says what is of no use', async () => {
  const [moved, late] = await ours.start(2);
  const [stranger] = await theirs.start(1);
  if (moved === undefined || late === undefined || stranger === undefined) throw new Error('nodes are missing');
  const record = (id: NodeId, ip: string) => ({ id, address: { ip, controlPort: 8001, gossipPort: 8000 } }) as MemberRecord;
  const other = record(nodeId('b'.repeat(32)), '192.0.2.2');
  const store = new MemoryStore();
  store.putMembers([record(moved.id, '192.0.2.1'), other]);
  const at = ({ address }: typeof moved) => `${address.ip}:${address.controlPort}`;
  const closed = await ours.move(late).then(async (node) => (await node.transport.close(), node));
  const [again] = await ours.start(1);
  if (again === undefined) throw new Error('no node');

  const words = await seekMembers(store, ours.authority.certificatePem, [at(moved), at(stranger), at(closed), at(again), 'a b']);
  expect(words).toEqual([
    expect.stringContaining('belongs to another instance'),
    expect.stringContaining('no node was reached at'),
    `the node at ${again.address.ip} came to the instance since this one ran last: name another, too`,
    '"a b" is not an address of a node: write IP or IP:PORT',
  ]);
  const { ip, controlPort } = moved.address;
  expect(store.members()).toEqual([{ ...record(moved.id, ip), address: { ip, controlPort, gossipPort: 8000 } }, other]);
});
