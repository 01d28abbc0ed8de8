import { mkdtempSync, openSync, closeSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseIpv4 } from '../lib/ipv4.ts';
import { mountPointsBelow, unmount } from './mount.ts';
import { createNetns, inNetns } from './netns.ts';
import { echoRequest, isReply, ping, type Ping } from './ping.ts';
import { addAddress } from './rtnetlink/addresses.ts';
import { addVeth, changeLink } from './rtnetlink/links.ts';
import { RouteSocket } from './rtnetlink/route-socket.ts';

const ip = (text: string): number => parseIpv4(text) ?? 0;

describe('ping', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'caravela-ping-'));
    for (const name of ['a', 'b']) createNetns(join(dir, name), () => undefined);
    const a = RouteSocket.openIn(join(dir, 'a'));
    const b = RouteSocket.openIn(join(dir, 'b'));
    const netnsFd = openSync(join(dir, 'b'), 'r');
    try {
      a.must([addVeth({ name: 'a', mtu: 1500, up: true }, { name: 'b', mtu: 1500, netnsFd })]);
      for (const [socket, name, address] of [
        [a, 'a', '10.8.0.1'],
        [b, 'b', '10.8.0.2'],
      ] as const) {
        const index = socket.links().find((link) => link.name === name)?.index ?? 0;
        socket.must([changeLink(index, { up: true })]);
        socket.must([addAddress({ index, address: ip(address), prefix: 24, scope: 'global', noPrefixRoute: false })]);
      }
    } finally {
      closeSync(netnsFd);
      a.close();
      b.close();
    }
  });
  afterEach(async () => {
    for (const point of await mountPointsBelow(dir)) unmount(point);
    rmSync(dir, { recursive: true, force: true });
  });

  const fromA = (options: Ping) => inNetns(join(dir, 'a'), () => ping(options));

  it('is answered, up to the size that fits', async () => {
    const answer = await fromA({ to: ip('10.8.0.2'), packetBytes: 1500, timeoutMs: 5_000 });
    expect(answer.kind).toBe('answered');
    expect(await fromA({ to: ip('10.8.0.2'), packetBytes: 1501, timeoutMs: 5_000 })).toEqual({ kind: 'too-big' });
    const several = await Promise.all([28, 29, 1000].map((packetBytes) => fromA({ to: ip('10.8.0.2'), packetBytes, timeoutMs: 5_000 })));
    expect(several.map(({ kind }) => kind)).toEqual(['answered', 'answered', 'answered']);
  });

  it('tells silence from what it could not send', async () => {
    expect(await fromA({ to: ip('10.9.0.1'), packetBytes: 100, timeoutMs: 100 })).toEqual({ kind: 'unsent', code: 'ENETUNREACH' });
    expect(await fromA({ to: ip('10.8.0.99'), packetBytes: 100, timeoutMs: 50 })).toEqual({ kind: 'silent' });
  });
});

describe('echo requests', () => {
  it('have a checksum that sums up', () => {
    fc.assert(
      fc.property(fc.nat(0xffff), fc.integer({ min: 8, max: 300 }), (identifier, size) => {
        const message = echoRequest(identifier, size);
        let sum = 0;
        for (let at = 0; at < size; at += 2) sum += (message[at] ?? 0) * 256 + (message[at + 1] ?? 0);
        while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
        expect(sum).toBe(0xffff);
      }),
    );
  });

  it('are told from other packets, junk among them', () => {
    const header = Buffer.from([0x45, ...Array.from({ length: 19 }, () => 0)]);
    const reply = Buffer.concat([header, echoRequest(7, 20)]);
    expect(isReply(reply, 7)).toBe(false);
    reply[20] = 0;
    expect(isReply(reply, 7)).toBe(true);
    expect(isReply(reply, 8)).toBe(false);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        isReply(Buffer.from(bytes), 7);
      }),
    );
  });
});
