import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import fastify from 'fastify';
import { expect, onTestFinished, test } from 'vitest';
import { acceptUpgrades, takeUpgrade } from './upgrade.ts';

test('a client that asks to upgrade before it has the answer before is served after that', async () => {
  const app = fastify({ serverFactory: (handler) => createServer(handler) });
  const slow = Promise.withResolvers<void>();
  app.get('/first', async () => {
    await slow.promise;
    return 'the first';
  });
  app.post('/second', async (request, reply) => {
    takeUpgrade(request, reply, { Upgrade: 'tcp' }).end('the second');
    return reply;
  });
  await app.ready();
  const upgraded = acceptUpgrades(app.server, app);
  app.server.listen(0, '127.0.0.1');
  await once(app.server, 'listening');
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1');
  onTestFinished(async () => {
    socket.destroy();
    upgraded.destroyAll();
    await app.close();
  });
  const head = 'HTTP/1.1\r\nHost: x\r\n';
  socket.write(`GET /first ${head}\r\nPOST /second ${head}Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0\r\n\r\n`);
  let heard = '';
  socket.on('data', (data: Buffer) => (heard += data.toString()));
  setImmediate(() => slow.resolve());
  await once(socket, 'end');
  expect(heard).toMatch(/^HTTP\/1\.1 200 OK.*the first.*HTTP\/1\.1 101 UPGRADED.*the second$/s);
});
