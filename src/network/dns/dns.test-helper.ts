import { createSocket } from 'node:dgram';
import type { Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server as TcpServer } from 'node:net';
import * as dnsPacket from 'dns-packet';
import type { Answer, Packet } from 'dns-packet';
import type { NetworkId } from '../../core/model/index.ts';
import { formatIpv4, parseCidr, parseIpv4 } from '../../lib/ipv4.ts';
import { framed } from './exchange.ts';
import type { Asker, DnsNames, DnsPlace, Resolved } from './port.ts';

export const ip = (text: string): number => parseIpv4(text) as number;
export const [front, back] = ['1', '2'].map((digit) => digit.repeat(64)) as [NetworkId, NetworkId];

/** A place on loopback, where any 127.x.y.z is an address of the host. */
export const placeAt = (gateway: string): DnsPlace => ({
  gateway: ip(gateway),
  subnet: parseCidr(`${gateway}/24`) ?? { base: 0, prefix: 32 },
});

/** A directory in memory: names by network, and who asked what. */
export class FakeNames implements DnsNames {
  readonly known = new Map<string, readonly string[]>();
  readonly asked: string[] = [];
  complete = true;
  networks: readonly { readonly id: NetworkId; readonly name: string }[] = [
    { id: front, name: 'front' },
    { id: back, name: 'Back' },
  ];
  /** Of each source; others use the host's. */
  readonly servers = new Map<string, readonly string[]>();
  /** Holds look-ups back. */
  gate: Promise<void> = Promise.resolve();

  set(network: NetworkId, name: string, ...addresses: readonly string[]): void {
    this.known.set(`${network} ${name}`, addresses);
  }

  networksOf(): readonly { readonly id: NetworkId; readonly name: string }[] {
    return this.networks;
  }

  /** What anybody calls somebody else, by alias. */
  readonly links = new Map<string, string>();
  meant(_asker: Asker, name: string): string {
    return this.links.get(name) ?? name;
  }

  async resolve(networks: readonly NetworkId[], name: string): Promise<Resolved> {
    this.asked.push(`${networks.map((id) => id[0]).join('')} ${name}`);
    await this.gate;
    for (const network of networks) {
      const found = this.known.get(`${network} ${name}`);
      if (found !== undefined) return { addresses: found.map(ip), complete: true };
    }
    return { addresses: [], complete: this.complete };
  }

  reverse(address: number): Promise<{ readonly names: readonly string[]; readonly complete: boolean } | undefined> {
    const text = formatIpv4(address);
    if (!text.startsWith('10.')) return Promise.resolve(undefined);
    const names = [...this.known].flatMap(([key, addresses]) => (addresses.includes(text) ? [`${key.slice(65)}.front`] : []));
    return Promise.resolve({ names, complete: this.complete });
  }

  serversOf({ source }: Asker): readonly string[] | undefined {
    return this.servers.get(formatIpv4(source));
  }
}

/** A server of the world's names that answers as it is told; undefined: not at all. */
export class FakeUpstream {
  readonly seen: { readonly packet: Packet; readonly channel: 'udp' | 'tcp'; readonly port: number }[] = [];
  reply: (asked: Packet, channel: 'udp' | 'tcp') => Packet | Buffer | undefined = (asked) => answerWith(asked, '192.0.2.1');
  readonly #udp: UdpSocket;
  readonly #tcp: TcpServer;

  private constructor(udp: UdpSocket, tcp: TcpServer) {
    this.#udp = udp;
    this.#tcp = tcp;
    udp.on('message', (bytes, { address, port }) => {
      const said = this.#said(bytes, 'udp', port);
      if (said !== undefined) udp.send(said, port, address);
    });
    tcp.on('connection', (socket) => {
      socket.on('error', () => socket.destroy());
      socket.on('data', (bytes) => {
        const said = this.#said(bytes.subarray(2), 'tcp', socket.remotePort ?? 0);
        if (said !== undefined) socket.write(framed(said));
      });
    });
  }

  /** @param port the same for all of a test; 0: any */
  static async at(address: string, port: number): Promise<FakeUpstream> {
    const udp = createSocket('udp4');
    udp.bind(port, address);
    await once(udp, 'listening');
    const tcp = createServer();
    tcp.listen(udp.address().port, address);
    await once(tcp, 'listening');
    return new FakeUpstream(udp, tcp);
  }

  get port(): number {
    return (this.#tcp.address() as AddressInfo).port;
  }

  close(): void {
    this.#udp.close();
    this.#tcp.close();
  }

  #said(bytes: Buffer, channel: 'udp' | 'tcp', port: number): Buffer | undefined {
    const packet = dnsPacket.decode(bytes);
    this.seen.push({ packet, channel, port });
    const said = this.reply(packet, channel);
    return said === undefined || Buffer.isBuffer(said) ? said : dnsPacket.encode(said);
  }
}

export function answerWith(asked: Packet, ...addresses: readonly string[]): Packet {
  const name = asked.questions?.[0]?.name ?? '.';
  const answers = addresses.map((data): Answer => ({ type: 'A', name, data, ttl: 60 }));
  return { type: 'response', id: asked.id, flags: asked.flags, questions: asked.questions ?? [], answers };
}

export interface Said {
  readonly rcode: string;
  readonly data: readonly string[];
  readonly packet: dnsPacket.DecodedPacket;
  readonly bytes: number;
}

/** Asks one question from an address and waits for its answer; rejects after `withinMs`. */
export async function askUdp(from: string, to: string, port: number, question: Packet, withinMs = 5_000): Promise<Said> {
  const socket = createSocket('udp4');
  try {
    socket.bind(0, from);
    await once(socket, 'listening');
    socket.send(dnsPacket.encode({ type: 'query', id: 77, flags: dnsPacket.RECURSION_DESIRED, ...question }), port, to);
    const [bytes] = (await once(socket, 'message', { signal: AbortSignal.timeout(withinMs) })) as [Buffer];
    return saidIn(bytes);
  } finally {
    socket.close();
  }
}

export async function askTcp(from: string, to: string, port: number, ...questions: readonly Packet[]): Promise<readonly Said[]> {
  const socket = connect({ host: to, port, localAddress: from });
  try {
    await once(socket, 'connect');
    for (const [i, question] of questions.entries())
      socket.write(framed(dnsPacket.encode({ type: 'query', id: i, flags: dnsPacket.RECURSION_DESIRED, ...question })));
    let got: Buffer = Buffer.alloc(0);
    const said: Said[] = [];
    while (said.length < questions.length) {
      const [chunk] = (await once(socket, 'data', { signal: AbortSignal.timeout(5_000) })) as [Buffer];
      got = Buffer.concat([got, chunk]);
      for (; got.length >= 2 && got.length >= 2 + got.readUInt16BE(0); got = got.subarray(2 + got.readUInt16BE(0)))
        said.push(saidIn(got.subarray(2, 2 + got.readUInt16BE(0))));
    }
    return said;
  } finally {
    socket.destroy();
  }
}

export const query = (name: string, type: dnsPacket.RecordType = 'A', ednsBytes?: number): Packet => ({
  questions: [{ name, type, class: 'IN' }],
  ...(ednsBytes !== undefined && { additionals: [optOf(ednsBytes)] }),
});

const optOf = (udpPayloadSize: number): Answer => ({
  type: 'OPT',
  name: '.',
  udpPayloadSize,
  extendedRcode: 0,
  ednsVersion: 0,
  flags: 0,
  flag_do: false,
  options: [],
});

function saidIn(bytes: Buffer): Said {
  const packet = dnsPacket.decode(bytes);
  const data = (packet.answers ?? []).map((record) => ('data' in record && typeof record.data === 'string' ? record.data : ''));
  return { rcode: (packet as unknown as { rcode: string }).rcode, data, packet, bytes: bytes.length };
}

/** A port that is free on all of loopback just now. */
export async function freePort(): Promise<number> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  return port;
}
