import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectSeqpacket } from './seqpacket.ts';

/** Listens, says so, and sends back each packet it gets behind its length; `end` ends. */
const SERVER = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
import os
os.chdir(sys.argv[1])
s.bind('attach')
s.listen()
print('ready', flush=True)
c, _ = s.accept()
while True:
    data = c.recv(1 << 20)
    if not data: break
    c.send(str(len(data)).encode() + b':' + data[:100])
c.send(b'bye')
c.close()
`;

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'seqpacket-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe('connectSeqpacket', () => {
  it('keeps packets apart, at paths of any length, and half open', async () => {
    const deep = join(dir, 'a'.repeat(100), 'b'.repeat(100));
    mkdirSync(deep, { recursive: true });
    const server = spawn('python3', ['-c', SERVER, deep], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      await once(server.stdout, 'data');
      const socket = connectSeqpacket(join(deep, 'attach'));
      const packets: string[] = [];
      socket.on('data', (packet: Buffer) => packets.push(packet.toString()));
      const write = (data: string | Buffer) => new Promise((done) => socket.write(data, done));
      await write('one');
      await write('two');
      await write(Buffer.alloc(32 * 1024, 'x'));
      socket.end();
      await once(socket, 'close');
      expect(packets).toEqual(['3:one', '3:two', `${32 * 1024}:${'x'.repeat(100)}`, 'bye']);
    } finally {
      server.kill();
    }
  });

  it('says who does not listen', () => {
    expect(() => connectSeqpacket(join(dir, 'none'))).toThrow(/ENOENT/);
    expect(() => connectSeqpacket(join(dir, 'none', 'attach'))).toThrow(/ENOENT/);
  });
});
