import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { containerId } from '../../core/model/index.ts';
import { PortReserver, PortTaken } from './port-reserver.ts';

const LOOPBACK = 0x7f000001;
const A = containerId('a'.repeat(64));
const B = containerId('b'.repeat(64));
const GATEWAY = 0x7f000035;
let freed = 0;
const reserver = new PortReserver(
  (ip) => ip === GATEWAY,
  () => freed++,
);
afterEach(() => reserver.close());

async function takenPort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port };
}

async function freePort(): Promise<number> {
  const { server, port } = await takenPort();
  server.close();
  await once(server, 'close');
  return port;
}

describe('PortReserver', () => {
  it('keeps a port from processes until its last holder gives it back', async () => {
    const port = await freePort();
    const wish = { protocol: 'tcp', ip: LOOPBACK, port } as const;
    await reserver.reserve(A, 'claim', [wish]);
    await reserver.reserve(A, 'task', [wish]);
    reserver.release(A, 'task');
    const other = createServer().listen(port, '127.0.0.1');
    const [error] = (await once(other, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('EADDRINUSE');
    const before = freed;
    reserver.release(A, 'claim');
    expect(freed - before).toBe(1);
    const later = createServer().listen(port, '127.0.0.1');
    await once(later, 'listening');
    later.close();
  });

  it('takes none where one is taken, and says which', async () => {
    const { server, port } = await takenPort();
    const free = { protocol: 'udp', ip: LOOPBACK, port } as const;
    const taken = { protocol: 'tcp', ip: LOOPBACK, port } as const;
    await expect(reserver.reserve(A, 'task', [free, taken])).rejects.toThrow(
      new PortTaken(taken, `127.0.0.1:${port}/tcp cannot be opened: a process of this host has it`),
    );
    expect(reserver.all()).toEqual([]);
    server.close();
  });

  it('does not give one port to two containers, whatever the address', async () => {
    const port = await freePort();
    await reserver.reserve(A, 'task', [{ protocol: 'udp', ip: 0, port }]);
    await expect(reserver.reserve(B, 'claim', [{ protocol: 'udp', ip: LOOPBACK, port }])).rejects.toThrow(
      `127.0.0.1:${port}/udp is published by container aaaaaaaaaaaa already`,
    );
    expect(reserver.all()).toEqual([{ protocol: 'udp', ip: 0, port, container: A }]);
  });

  it('gives out a port that only our own servers on gateways have', async () => {
    const server = createServer().listen(0, '127.0.0.53');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    await reserver.reserve(A, 'task', [{ protocol: 'tcp', ip: 0, port }]);
    expect(reserver.all()).toHaveLength(1);
    const other = createServer().listen(port, '127.0.0.54');
    await once(other, 'listening');
    await expect(reserver.reserve(B, 'task', [{ protocol: 'udp', ip: 0, port }])).resolves.toBeUndefined();
    reserver.release(A, 'task');
    await expect(reserver.reserve(A, 'task', [{ protocol: 'tcp', ip: 0, port }])).rejects.toThrow('a process of this host has it');
    server.close();
    other.close();
  });

  it('says that an address is not the host’s', async () => {
    await expect(reserver.reserve(A, 'task', [{ protocol: 'tcp', ip: 0xc0000201, port: 9 }])).rejects.toThrow(
      '192.0.2.1 is not an address of this host',
    );
  });
});
