import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as dnsPacket from 'dns-packet';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createDnsServer } from './server.ts';
import type { DnsServerOptions } from './server.ts';
import { DNS_LIMITS } from './limits.ts';
import type { DnsServer } from './port.ts';
import { FakeNames, FakeUpstream, answerWith, askTcp, askUdp, back, freePort, front, placeAt, query } from './dns.test-helper.ts';
import type { Said } from './dns.test-helper.ts';

const [GATEWAY, OTHER_GATEWAY, CLIENT] = ['127.77.1.1', '127.77.2.1', '127.77.1.9'] as const;
const [FIRST, SECOND] = ['127.78.0.1', '127.78.0.2'] as const;

let dir: string;
let names: FakeNames;
let server: DnsServer;
let port: number;
let upstreams: FakeUpstream[];
let logged: string[];
let nowMs: number;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'caravela-dns-'));
  names = new FakeNames();
  logged = [];
  nowMs = 0;
  const first = await FakeUpstream.at(FIRST, 0);
  upstreams = [first, await FakeUpstream.at(SECOND, first.port)];
  writeFileSync(join(dir, 'resolv.conf'), `# the host's\nnameserver ${FIRST}\nnameserver ${SECOND}\n`);
  port = await freePort();
  server = createDnsServer(options());
  server.listen([placeAt(GATEWAY)]);
  await served();
});

afterEach(async () => {
  await server.close();
  for (const upstream of upstreams) upstream.close();
  rmSync(dir, { recursive: true });
});

function options(change: Partial<DnsServerOptions> = {}): DnsServerOptions {
  return {
    names,
    log: (_level, message) => logged.push(message),
    port,
    upstreamPort: upstreams[0]?.port ?? 0,
    upstreamMs: 150,
    resolvConfPath: join(dir, 'resolv.conf'),
    nowMs: () => nowMs,
    ...change,
  };
}

const ask = (name: string, type: dnsPacket.RecordType = 'A', ednsBytes?: number): Promise<Said> =>
  askUdp(CLIENT, GATEWAY, port, query(name, type, ednsBytes));

/** Until it answers on UDP and TCP. */
async function served(gateway = GATEWAY, from = CLIENT): Promise<void> {
  names.set(front, 'probe', '10.9.9.9');
  await vi.waitFor(async () => {
    await askUdp(from, gateway, port, query('probe'), 50);
    await askTcp(from, gateway, port, query('probe'));
  });
  names.asked.length = 0;
  names.known.clear();
  server.forget();
}

describe('names of ours', () => {
  test('bare ones on any network of the asker, with a network’s name on that; letters don’t matter and come back as asked', async () => {
    names.set(front, 'web', '10.0.0.2');
    names.set(back, 'web', '10.1.0.2');
    names.set(back, 'my.db', '10.1.0.3');
    expect((await ask('web')).data).toEqual(['10.0.0.2']);
    const { packet, rcode } = await ask('WEB.bAck.');
    expect(packet.answers).toMatchObject([{ name: 'WEB.bAck', type: 'A', data: '10.1.0.2', ttl: DNS_LIMITS.ttlSeconds }]);
    expect([rcode, packet.id, packet.flag_rd, packet.flag_ra]).toEqual(['NOERROR', 77, true, true]);
    expect((await ask('my.db.back')).data).toEqual(['10.1.0.3']);
    expect(names.asked).toEqual(['12 web', '2 web', '2 my.db']);
    expect(upstreams[0]?.seen).toEqual([]);
  });

  test('one that is known has no records of other kinds; one that is not has none at all, and is never passed on', async () => {
    names.set(front, 'web', '10.0.0.2');
    for (const type of ['AAAA', 'MX', 'TXT', 'UNKNOWN_65'] as dnsPacket.RecordType[])
      expect(await ask('web', type), type).toMatchObject({ rcode: 'NOERROR', data: [] });
    expect((await ask('nobody')).rcode).toBe('NXDOMAIN');
    expect((await ask('nobody', 'AAAA')).rcode).toBe('NXDOMAIN');
    expect((await ask('nobody.front')).rcode).toBe('NXDOMAIN');
    names.complete = false;
    expect((await ask('somebody')).rcode).toBe('SERVFAIL');
    expect((await ask('somebody.back')).rcode).toBe('SERVFAIL');
    expect(upstreams[0]?.seen).toEqual([]);
  });

  test('several addresses come in turn; over UDP as many as fit', async () => {
    const all = Array.from({ length: 40 }, (_, i) => `10.0.0.${i + 2}`);
    names.set(front, 'shop', ...all);
    const firsts = new Set<string>();
    for (let i = 0; i < 12; i++) {
      const { data, bytes, packet } = await ask('shop');
      expect(bytes).toBeLessThanOrEqual(512);
      expect([packet.flag_tc, data.length > 10, new Set(data).size]).toEqual([false, true, data.length]);
      firsts.add(data[0] ?? '');
    }
    expect(firsts.size).toBeGreaterThan(2);
    const wide = await ask('shop', 'A', 4_096);
    expect([wide.data.length, wide.bytes <= DNS_LIMITS.udpBytes]).toEqual([40, true]);
    expect(wide.packet.additionals).toMatchObject([{ type: 'OPT', udpPayloadSize: DNS_LIMITS.udpBytes }]);
    const [whole] = await askTcp(CLIENT, GATEWAY, port, query('shop'));
    expect([...(whole?.data ?? [])].sort()).toEqual([...all].sort());
  });

  test('addresses the other way round, where they are ours', async () => {
    names.set(front, 'web', '10.0.0.2');
    expect((await ask('2.0.0.10.in-addr.arpa', 'PTR')).data).toEqual(['web.front']);
    expect((await ask('3.0.0.10.in-addr.arpa', 'PTR')).rcode).toBe('NXDOMAIN');
    names.complete = false;
    expect((await ask('4.0.0.10.in-addr.arpa', 'PTR')).rcode).toBe('SERVFAIL');
    expect(upstreams[0]?.seen).toEqual([]);
    await ask('1.2.0.192.in-addr.arpa', 'PTR');
    expect(upstreams[0]?.seen).toHaveLength(1);
  });

  test('a container may have a name with dots, where its network has any; else nobody is asked for the world’s names', async () => {
    names.set(front, 'api.example.org', '10.0.0.7');
    expect((await ask('api.example.org')).data).toEqual(['192.0.2.1']);
    expect(names.asked).toEqual(['12 .']);
    nowMs += 1_000;
    names.set(front, '.', '10.0.0.7');
    expect((await ask('api.example.org')).data).toEqual(['10.0.0.7']);
    expect(await ask('api.example.org', 'AAAA')).toMatchObject({ rcode: 'NOERROR', data: [] });
    expect((await ask('www.example.org')).data).toEqual(['192.0.2.1']);
    expect(names.asked).toEqual(['12 .', '12 .', '12 api.example.org', '12 www.example.org']);
    // What cannot be ruled out is not denied because the world does not know it.
    for (const upstream of upstreams) upstream.reply = (asked) => ({ ...answerWith(asked), flags: 3 });
    expect((await ask('none.example.org')).rcode).toBe('NXDOMAIN');
    names.complete = false;
    expect((await ask('gone.example.org')).rcode).toBe('SERVFAIL');
    expect((await ask('4.3.2.1.in-addr.arpa', 'PTR')).rcode).toBe('NXDOMAIN');
  });

  test('what was said is kept for a moment, unless something changes; many who ask at once are one question', async () => {
    names.set(front, 'web', '10.0.0.2');
    await Promise.all([ask('web'), ask('web'), ask('web.'), ask('Web')]);
    expect(names.asked).toEqual(['12 web']);
    names.set(front, 'web', '10.0.0.3');
    expect((await ask('web')).data).toEqual(['10.0.0.2']);
    server.forget();
    expect((await ask('web')).data).toEqual(['10.0.0.3']);
    nowMs += DNS_LIMITS.knownMs;
    names.set(front, 'web', '10.0.0.4');
    expect((await ask('web')).data).toEqual(['10.0.0.4']);
    names.complete = false;
    expect((await ask('later')).rcode).toBe('SERVFAIL');
    names.set(front, 'later', '10.0.0.5');
    expect((await ask('later')).data).toEqual(['10.0.0.5']);
  });

  test('what was asked before a change does not stay for after it', async () => {
    let open = (): void => undefined;
    names.gate = new Promise((resolve) => {
      open = resolve;
    });
    const before = ask('web');
    await vi.waitFor(() => expect(names.asked).toHaveLength(1));
    server.forget();
    open();
    expect((await before).rcode).toBe('NXDOMAIN');
    names.set(front, 'web', '10.0.0.2');
    expect((await ask('web')).data).toEqual(['10.0.0.2']);
  });
});

describe('the rest', () => {
  test('goes to the host’s servers as it was asked, EDNS and all, from ports of its own; the answer comes back as it is', async () => {
    const [a] = upstreams as [FakeUpstream, FakeUpstream];
    a.reply = (asked) => answerWith(asked, '192.0.2.1', '192.0.2.2');
    for (let i = 0; i < 3; i++)
      expect(await ask('www.Example.org', 'A', 1_400)).toMatchObject({ rcode: 'NOERROR', data: ['192.0.2.1', '192.0.2.2'] });
    expect((await ask('www.example.org')).packet.id).toBe(77);
    expect(a.seen[0]?.packet).toMatchObject({
      questions: [{ name: 'www.Example.org', type: 'A' }],
      additionals: [{ type: 'OPT', udpPayloadSize: 1_400 }],
    });
    expect(new Set(a.seen.map(({ port }) => port)).size).toBe(a.seen.length);
    expect(new Set(a.seen.map(({ packet }) => packet.id)).size).toBeGreaterThan(1);
    a.reply = (asked) => ({ ...answerWith(asked), flags: 3 });
    expect((await ask('no.example.org')).rcode).toBe('NXDOMAIN');
    expect(names.asked).toEqual(['12 .']);
  });

  test('the next server is asked where one is silent, absent or fails; a silent one is asked last for a while', async () => {
    const [a, b] = upstreams as [FakeUpstream, FakeUpstream];
    b.reply = (asked) => answerWith(asked, '192.0.2.9');
    a.reply = (asked) => ({ ...answerWith(asked), flags: 2 });
    expect((await ask('one.test')).data).toEqual(['192.0.2.9']);
    expect([a.seen.length, b.seen.length]).toEqual([1, 1]);
    a.reply = () => undefined;
    expect((await ask('two.test')).data).toEqual(['192.0.2.9']);
    expect((await ask('three.test')).data).toEqual(['192.0.2.9']);
    expect([a.seen.length, b.seen.length]).toEqual([2, 3]);
    nowMs += DNS_LIMITS.shunMs;
    a.reply = (asked) => answerWith(asked, '192.0.2.8');
    expect((await ask('four.test')).data).toEqual(['192.0.2.8']);
    b.reply = () => undefined;
    a.reply = (asked) => ({ ...answerWith(asked), flags: 5 });
    expect((await ask('five.test')).rcode).toBe('REFUSED');
    names.servers.set(CLIENT, ['127.78.0.99', SECOND]);
    b.reply = (asked) => answerWith(asked, '192.0.2.7');
    expect((await ask('six.test')).data).toEqual(['192.0.2.7']);
  });

  test('a lone server is asked twice; where nobody answers, or there is none, that is a failure', async () => {
    const [a] = upstreams as [FakeUpstream, FakeUpstream];
    names.servers.set(CLIENT, [FIRST]);
    a.reply = (asked) => (a.seen.length === 1 ? undefined : answerWith(asked, '192.0.2.1'));
    expect((await ask('lossy.test')).data).toEqual(['192.0.2.1']);
    a.reply = () => undefined;
    expect((await ask('silent.test')).rcode).toBe('SERVFAIL');
    names.servers.set(CLIENT, []);
    expect((await ask('alone.test')).rcode).toBe('SERVFAIL');
    names.servers.set(CLIENT, [GATEWAY]);
    expect((await ask('loop.test')).rcode).toBe('SERVFAIL');
    expect(a.seen).toHaveLength(4);
  });

  test('what is cut off over UDP comes whole over TCP', async () => {
    const [a] = upstreams as [FakeUpstream, FakeUpstream];
    const many = Array.from({ length: 60 }, (_, i) => `192.0.2.${i}`);
    a.reply = (asked, channel) =>
      channel === 'tcp' ? answerWith(asked, ...many) : { ...answerWith(asked), flags: dnsPacket.TRUNCATED_RESPONSE };
    const cut = await ask('big.test');
    expect([cut.packet.flag_tc, cut.data]).toEqual([true, []]);
    const [whole, own] = await askTcp(CLIENT, GATEWAY, port, query('big.test'), query('small.test'));
    expect(whole?.data).toEqual(many);
    expect(own?.data).toEqual(many);
    expect(a.seen.map(({ channel }) => channel).sort()).toEqual(['tcp', 'tcp', 'udp', 'udp', 'udp']);
  });

  test('answers that are not to the question are not believed', async () => {
    const [a] = upstreams as [FakeUpstream, FakeUpstream];
    names.servers.set(CLIENT, [FIRST]);
    const lies: ((asked: dnsPacket.Packet) => dnsPacket.Packet | Buffer)[] = [
      (asked) => ({ ...answerWith(asked, '6.6.6.6'), id: (asked.id ?? 0) ^ 1 }),
      (asked) => ({ ...answerWith(asked, '6.6.6.6'), questions: [{ name: 'other.test', type: 'A' }] }),
      (asked) => ({ ...answerWith(asked, '6.6.6.6'), type: 'query' }),
      (asked) => ({ ...answerWith(asked, '6.6.6.6'), questions: [] }),
      () => Buffer.from('junk'),
    ];
    for (const lie of lies) {
      a.reply = lie;
      expect((await ask('honest.test')).rcode).toBe('SERVFAIL');
    }
    a.reply = (asked) => ({ ...answerWith(asked, '192.0.2.1'), questions: [{ name: 'HONEST.test', type: 'A' }] });
    expect((await ask('honest.test')).data).toEqual(['192.0.2.1']);
  });
});

describe('listening', () => {
  test('strangers get no word, whoever is on no network is refused, junk is answered as such or not at all', async () => {
    await expect(askUdp('127.77.2.9', GATEWAY, port, query('web'), 100)).rejects.toThrow('aborted');
    const stranger = connect({ host: GATEWAY, port, localAddress: '127.77.2.9' });
    stranger.on('error', () => undefined);
    await once(stranger, 'close');
    names.networks = [];
    expect((await ask('web')).rcode).toBe('REFUSED');
    const socket = createSocket('udp4');
    socket.bind(0, CLIENT);
    await once(socket, 'listening');
    for (const bytes of ['', 'short', Buffer.alloc(12, 0xff)]) socket.send(bytes, port, GATEWAY);
    socket.send(Buffer.from([0, 9, 0x28, 0, 0, 1, 0, 0, 0, 0, 0, 0]), port, GATEWAY);
    const [update] = (await once(socket, 'message')) as [Buffer];
    expect([...update.subarray(0, 4)]).toEqual([0, 9, 0xa8, 0x84]);
    socket.send(Buffer.from([0, 8, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 0]), port, GATEWAY);
    const [broken] = (await once(socket, 'message')) as [Buffer];
    expect([...broken.subarray(0, 4)]).toEqual([0, 8, 0x81, 0x81]);
    socket.close();
  });

  test('gateways come and go', async () => {
    names.set(front, 'web', '10.0.0.2');
    server.listen([placeAt(GATEWAY), placeAt(OTHER_GATEWAY)]);
    await vi.waitFor(async () => {
      expect((await askUdp('127.77.2.9', OTHER_GATEWAY, port, query('web'), 50)).data).toEqual(['10.0.0.2']);
    });
    server.listen([placeAt(OTHER_GATEWAY)]);
    await vi.waitFor(() => expect(askUdp(CLIENT, GATEWAY, port, query('web'), 50)).rejects.toThrow('aborted'));
    server.listen([placeAt(GATEWAY)]);
    await vi.waitFor(async () => expect((await askUdp(CLIENT, GATEWAY, port, query('web'), 50)).data).toEqual(['10.0.0.2']));
    expect(server.problems()).toEqual([]);
  });

  test('who has the port is told, and it is taken as soon as it is free; so is an address that is not there', async () => {
    const squatter = createSocket('udp4');
    squatter.bind(port, OTHER_GATEWAY);
    await once(squatter, 'listening');
    server.listen([placeAt(GATEWAY), placeAt(OTHER_GATEWAY)]);
    await vi.waitFor(() => expect(server.problems()).toHaveLength(1));
    expect(server.problems()[0]).toMatch(new RegExp(`^port ${port}/udp of ${OTHER_GATEWAY} is taken by \\S+.* \\(pid ${process.pid}\\)`));
    expect(logged.at(-1)).toContain(`Containers can't ask for names on ${OTHER_GATEWAY}: port`);
    squatter.close();
    await vi.waitFor(() => expect(server.problems()).toEqual([]), 5_000);
    expect(logged.at(-1)).toBe(`Names are answered on ${OTHER_GATEWAY} now`);
    server.listen([placeAt('198.51.100.1')]);
    await vi.waitFor(() => expect(server.problems()[0]).toContain('no interface has the address'), 5_000);
  });

  test('a client that asks more than its share hears nothing, others do', async () => {
    let open = (): void => undefined;
    names.gate = new Promise((resolve) => {
      open = resolve;
    });
    const socket = createSocket('udp4');
    socket.bind(0, CLIENT);
    await once(socket, 'listening');
    let heard = 0;
    socket.on('message', () => heard++);
    for (let i = 0; i < DNS_LIMITS.underWayPerSource + 20; i++)
      socket.send(dnsPacket.encode({ type: 'query', id: i, ...query(`job-${i}`) }), port, GATEWAY);
    await vi.waitFor(() => expect(names.asked).toHaveLength(DNS_LIMITS.underWayPerSource));
    const other = askUdp('127.77.1.8', GATEWAY, port, query('job-0'));
    open();
    expect((await other).rcode).toBe('NXDOMAIN');
    await vi.waitFor(() => expect(heard).toBe(DNS_LIMITS.underWayPerSource));
    socket.close();
  });

  test('a link’s alias is answered as whoever is meant by it, with the alias as the question', async () => {
    names.set(front, 'proj_db_1', '10.0.0.2');
    names.set(front, 'proj.cache', '10.0.0.3');
    names.set(front, '.', '10.0.0.3');
    names.links.set('db', 'proj_db_1');
    names.links.set('my.cache', 'proj.cache');
    for (const [alias, address] of [
      ['db', '10.0.0.2'],
      ['DB', '10.0.0.2'],
      ['my.cache', '10.0.0.3'],
    ] as const) {
      expect(await askUdp(CLIENT, GATEWAY, port, query(alias))).toMatchObject({ rcode: 'NOERROR', data: [address] });
    }
  });

  test('a TCP client may ask several at once, and is cut off where one is too long', async () => {
    names.set(front, 'a', '10.0.0.2');
    names.set(front, 'b', '10.0.0.3');
    const said = await askTcp(CLIENT, GATEWAY, port, query('a'), query('b'), query('c'));
    expect(new Map(said.map(({ packet, data }) => [packet.id, data]))).toEqual(
      new Map([
        [0, ['10.0.0.2']],
        [1, ['10.0.0.3']],
        [2, []],
      ]),
    );
    const socket = connect({ host: GATEWAY, port, localAddress: CLIENT });
    socket.on('error', () => undefined);
    socket.write(Buffer.from([0xff, 0xff, 1, 2, 3]));
    await once(socket, 'close');
  });
});
