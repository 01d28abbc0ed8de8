import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { formatIpv4 } from '../../lib/ipv4.ts';
import { listeningPorts, parseSockets } from './listening-ports.ts';

describe('listeningPorts', () => {
  it('finds what listens here, with its address', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    const socket = createSocket('udp4').bind(0, '127.0.0.2');
    await Promise.all([once(server, 'listening'), once(socket, 'listening')]);
    try {
      const found = (await listeningPorts()).map(({ protocol, ip, port }) => `${protocol} ${formatIpv4(ip)} ${port}`);
      expect(found).toContain(`tcp 127.0.0.1 ${(server.address() as AddressInfo).port}`);
      expect(found).toContain(`udp 127.0.0.2 ${socket.address().port}`);
    } finally {
      server.close();
      socket.close();
    }
  });

  it('skips what is connected, and lines it does not know', () => {
    const text = [
      '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid',
      '   0: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0',
      '   1: 0100007F:0016 0100007F:C001 01 00000000:00000000 00:00000000 00000000     0',
      '   2: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000',
      '   3: 00000000000000000000000001000000:0051 00000000000000000000000000000000:0000 0A 00000000:00000000',
      'junk',
    ].join('\n');
    expect(parseSockets(text, 'tcp', '0A')).toEqual([
      { protocol: 'tcp', ip: 0, port: 8080 },
      { protocol: 'tcp', ip: 0, port: 80 },
    ]);
  });
});
