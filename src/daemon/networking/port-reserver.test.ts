import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { PortReserver, PortTaken } from './port-reserver.ts';

const LOOPBACK = 0x7f000001;
const reserver = new PortReserver();
afterEach(() => reserver.close());

async function takenPort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port };
}

describe('PortReserver', () => {
  it('keeps a port from others until it is released', async () => {
    const { server, port } = await takenPort();
    server.close();
    await once(server, 'close');
    const wish = { protocol: 'tcp', ip: LOOPBACK, port } as const;
    await reserver.reserve([wish]);
    const other = createServer().listen(port, '127.0.0.1');
    const [error] = (await once(other, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('EADDRINUSE');
    reserver.release([wish]);
    const later = createServer().listen(port, '127.0.0.1');
    await once(later, 'listening');
    later.close();
  });

  it('takes none where one is taken, and says which', async () => {
    const { server, port } = await takenPort();
    const free = { protocol: 'udp', ip: LOOPBACK, port } as const;
    const taken = { protocol: 'tcp', ip: LOOPBACK, port } as const;
    await expect(reserver.reserve([free, taken])).rejects.toThrow(
      new PortTaken(taken, `127.0.0.1:${port}/tcp cannot be opened: a process of this host has it`),
    );
    expect(reserver.has(free)).toBe(false);
    server.close();
  });

  it('does not give one port twice', async () => {
    const { server, port } = await takenPort();
    server.close();
    await once(server, 'close');
    const wish = { protocol: 'udp', ip: LOOPBACK, port } as const;
    await reserver.reserve([wish]);
    await expect(reserver.reserve([wish])).rejects.toThrow(PortTaken);
    expect(reserver.has(wish)).toBe(true);
  });

  it('says that an address is not the host’s', async () => {
    await expect(reserver.reserve([{ protocol: 'tcp', ip: 0xc0000201, port: 9 }])).rejects.toThrow(
      '192.0.2.1 is not an address of this host',
    );
  });
});
