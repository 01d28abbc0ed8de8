import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { containerId, type HostPort, type NetworkId, nodeId } from '../../core/model/index.ts';
import { MemoryStore } from '../../store/fake/memory-store.ts';
import { PortClaims } from './port-claims.ts';
import { PortReserver } from './port-reserver.ts';
import type { TaskPort } from './task-network.ts';

const A = containerId('a'.repeat(64));
const B = containerId('b'.repeat(64));
const NODE = nodeId('1'.repeat(32));
const LOOPBACK = 0x7f000001;

let nowMs: number;
let store: MemoryStore & { isFull?: boolean };
let reserver: PortReserver;
let claims: PortClaims;
const logged: string[] = [];
const newClaims = () =>
  new PortClaims(
    store,
    reserver,
    () => nowMs,
    (_level, message) => void logged.push(message),
  );
beforeEach(() => {
  nowMs = 1_000;
  logged.length = 0;
  store = new MemoryStore();
  reserver = new PortReserver(
    () => false,
    () => undefined,
  );
  claims = newClaims();
});
afterEach(() => reserver.close());

async function freePort(): Promise<HostPort> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return { protocol: 'tcp', ip: LOOPBACK, port };
}

const lead = (port: HostPort): TaskPort => ({ ...port, containerPort: 80, network: 'f'.repeat(64) as NetworkId, address: 0x0a000002 });
const keptPorts = () => reserver.all().map(({ port }) => port);

describe('PortClaims', () => {
  it('gives the ports that a task had drawn back when another has others, and when it has ended; the named ones stay', async () => {
    const [named, first, second] = [await freePort(), await freePort(), await freePort()];
    await claims.claim(A, [named]);
    await claims.serve(A, NODE, [named, first].map(lead));
    expect(keptPorts()).toEqual([named.port, first.port]);
    await claims.serve(A, NODE, [named, second].map(lead));
    expect(keptPorts()).toEqual([named.port, second.port]);
    await claims.serve(A, NODE, []);
    expect(keptPorts()).toEqual([named.port]);
    claims.release(A);
    expect(keptPorts()).toEqual([]);
  });

  it('takes nothing for a container that was removed while its ports were being opened', async () => {
    const port = await freePort();
    await claims.claim(A, []);
    const served = claims.serve(A, NODE, [lead(port)]);
    claims.release(A);
    expect(await served).toEqual([]);
    expect([keptPorts(), claims.olderThan(-1, -1)]).toEqual([[], []]);
  });

  it('lets another wait for the ports of one that runs, and has them taken over once that one has ended', async () => {
    const port = await freePort();
    await claims.claim(A, [port]);
    claims.placed(A, NODE);
    await claims.starting(A);
    await claims.serve(A, NODE, [lead(port)]);
    await expect(claims.claim(B, [port])).rejects.toMatchObject({ code: 'conflict', by: A });
    claims.claimLater(B, [port]);
    claims.placed(B, NODE);
    await expect(claims.starting(B)).rejects.toThrow(/^port is already allocated on this node: .* container aaaaaaaaaaaa already/);
    await claims.serve(A, NODE, []);
    await claims.starting(B);
    expect(reserver.rivalOf(A, port)).toBe(B);
    // Now the first one waits, also after a restart of the daemon.
    reserver.close();
    claims = newClaims();
    await claims.start();
    expect(reserver.rivalOf(A, port)).toBe(B);
    await claims.serve(B, NODE, [lead(port)]);
    await expect(claims.starting(A)).rejects.toMatchObject({ code: 'conflict', by: B });
    expect(await claims.serve(A, NODE, [lead(port)])).toEqual([]);
    claims.release(B);
    await claims.starting(A);
    expect(reserver.rivalOf(B, port)).toBe(A);
  });

  it('has nobody yield whose start is under way, or that has a task here', async () => {
    const [one, two] = [await freePort(), await freePort()];
    const refusal = { code: 'conflict', by: A };
    await claims.claim(A, [one, two]);
    claims.claimLater(B, [one]);
    // It is being placed.
    await expect(claims.starting(B)).rejects.toMatchObject(refusal);
    claims.placed(A, NODE);
    await claims.starting(A);
    await expect(claims.starting(B)).rejects.toMatchObject(refusal);
    claims.ended(A);
    await reserver.reserve(A, 'task', [two]);
    await expect(claims.starting(B)).rejects.toMatchObject(refusal);
    reserver.release(A, 'task');
    await claims.starting(B);
    expect(reserver.all()).toEqual([{ ...one, container: B }]);
  });

  it('hears of an end while somebody waits for the ports', async () => {
    const port = await freePort();
    await claims.claim(A, [port]);
    claims.placed(A, NODE);
    await claims.serve(A, NODE, [lead(port)]);
    claims.claimLater(B, [port]);
    const started = claims.starting(B);
    await claims.serve(A, NODE, []);
    await started;
    expect(reserver.rivalOf(A, port)).toBe(B);
  });

  it('remembers nothing of containers that have no ports here', async () => {
    expect(await claims.serve(B, NODE, [])).toEqual([]);
    expect(claims.olderThan(-1, -1)).toEqual([]);
  });

  it('opens again after a restart of the daemon what is free, though one port is not', async () => {
    const [taken, free] = [await freePort(), await freePort()];
    await claims.claim(A, [taken, free]);
    reserver.close();
    const thief = createServer().listen(taken.port, '127.0.0.1');
    await once(thief, 'listening');
    claims = newClaims();
    await claims.start();
    expect(keptPorts()).toEqual([free.port]);
    thief.close();
  });

  it('counts the age of claims by a clock of its own, from when this run of the daemon came to them', async () => {
    await claims.claim(A, []);
    nowMs = 700_000;
    expect(claims.olderThan(600_000, 600_000)).toEqual([{ container: A, node: undefined }]);
    nowMs = 5;
    const after = newClaims();
    expect(after.olderThan(600_000, 600_000)).toEqual([]);
    nowMs = 600_010;
    expect(after.olderThan(600_000, 600_000)).toHaveLength(1);
  });

  it('gives a claim longer while its container is being placed, which no earlier run of the daemon does any more', async () => {
    await claims.claim(A, []);
    nowMs = 40_000;
    expect(claims.olderThan(30_000, 600_000)).toEqual([]);
    claims.placed(A, NODE);
    expect(claims.olderThan(30_000, 600_000)).toEqual([{ container: A, node: NODE }]);
    await claims.claim(B, []);
    const after = newClaims();
    nowMs = 80_000;
    expect(after.olderThan(30_000, 600_000).map(({ container }) => container)).toEqual([A, B]);
    expect(claims.olderThan(30_000, 600_000).map(({ container }) => container)).toEqual([A]);
  });

  it('goes on where the disk takes nothing, but promises nothing new', async () => {
    const port = await freePort();
    await claims.claim(A, [port]);
    store.putDocument = () => {
      throw new Error('no space left on the disk');
    };
    claims.placed(A, NODE);
    expect(claims.mayServe(A, nodeId('2'.repeat(32)))).toBe(false);
    claims.release(A);
    expect(keptPorts()).toEqual([]);
    expect(logged).toHaveLength(2);
    await expect(claims.claim(B, [port])).rejects.toMatchObject({ code: 'failed' });
    expect(keptPorts()).toEqual([]);
  });
});
