import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LIMITS } from '../model/index.ts';
import type { Message, MessageKind, NameKey, Need, NetworkId, NodeId, Request } from '../model/index.ts';
import { message, messagesByKind } from './arbitrary.test.ts';
import { decode, encode, encodedBytes, WIRE_VERSION } from './codec.ts';
import { WireError } from './error.ts';

const target = 'f0'.repeat(16) as NodeId;
const ping: Extract<Message, { kind: 'ping' }> = { kind: 'ping', sequence: 70_000, target, gossip: [], hints: [] };

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof WireError) return error.code;
    throw error;
  }
  return 'no error';
}

describe('round trip', () => {
  for (const [kind, arbitrary] of Object.entries(messagesByKind)) {
    test(`of ${kind}`, () => {
      fc.assert(
        fc.property(arbitrary as fc.Arbitrary<Message>, (sent) => {
          const bytes = encode(sent);
          expect(decode(bytes)).toEqual(sent);
          expect(encode(decode(bytes))).toEqual(bytes);
        }),
        { numRuns: 200 },
      );
    });
  }
});

describe('junk', () => {
  test('random bytes are rejected with a WireError or are a message', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(outcome(bytes)).not.toBe('crash');
        expect(outcome(Uint8Array.of(WIRE_VERSION, ...bytes))).not.toBe('crash');
      }),
      { numRuns: 3_000 },
    );
  });

  test('a damaged message is rejected with a WireError or is another message', () => {
    const flip = fc.record({ at: fc.nat(), to: fc.nat(255) });
    fc.assert(
      fc.property(message, fc.array(flip, { minLength: 1, maxLength: 4 }), (sent, flips) => {
        const bytes = encode(sent);
        for (const { at, to } of flips) bytes[at % bytes.length] = to;
        expect(outcome(bytes)).not.toBe('crash');
      }),
      { numRuns: 3_000 },
    );
  });

  test('no proper prefix of a message is that message', () => {
    fc.assert(
      fc.property(message, fc.nat(), (sent, at) => {
        const bytes = encode(sent);
        const cut = bytes.slice(0, at % bytes.length);
        expect(outcome(cut) === 'message' ? decode(cut) : undefined).not.toEqual(sent);
      }),
      { numRuns: 1_000 },
    );
  });

  test('each kind of junk has its code', () => {
    const bytes = encode(ping);
    expect(codeOf(() => decode(new Uint8Array(0)))).toBe('truncated');
    expect(codeOf(() => decode(Uint8Array.of(9, 1)))).toBe('version');
    expect(codeOf(() => decode(Uint8Array.of(WIRE_VERSION, 255)))).toBe('kind');
    expect(codeOf(() => decode(bytes.slice(0, 2)))).toBe('missing');
    expect(codeOf(() => decode(Uint8Array.of(...bytes, 0)))).toBe('truncated');
    expect(codeOf(() => decode(Uint8Array.of(...bytes, 0x08, 1)))).toBe('malformed');
    expect(codeOf(() => decode(Uint8Array.of(...bytes.slice(0, 2), 0x12, 1, 7)))).toBe('out-of-range');
    expect(codeOf(() => decode(new Uint8Array(LIMITS.streamMessageBytes + 1)))).toBe('too-long');
  });

  test('errors name the field', () => {
    expect(() => decode(encode(ping).slice(0, 2))).toThrow('ping.target: is not there');
    expect(() => encode({ ...ping, sequence: -1 })).toThrow('ping.sequence: needs an integer from 0');
  });
});

test('fields and rumours of a later release are stepped over', () => {
  const bytes = encode(ping);
  const varintField = [100 * 8 + 0, 5];
  const later = [...bytes, 0xa0, 0x06, varintField[1] as number, 0xa1, 0x06, 1, 2, 3, 4, 5, 6, 7, 8, 0xa2, 0x06, 3, 9, 9, 9];
  expect(decode(Uint8Array.from(later))).toEqual(ping);
  // A gossip list (field 14) with a rumour of the unknown variant 9, three bytes long.
  expect(decode(Uint8Array.of(...bytes, (14 << 3) | 2, 5, 9, 3, 1, 2, 3))).toEqual(ping);
  expect(codeOf(() => decode(Uint8Array.of(...bytes, 0xa3, 0x06, 1)))).toBe('malformed');
});

test('what an older release does not say is nothing', () => {
  const need = fc.sample(messagesByKind.ask, { numRuns: 1, seed: 3 })[0]?.need as Need;
  const request = fc.sample(messagesByKind.launch, { numRuns: 1, seed: 3 })[0]?.request as Request;
  const plain = { hostPorts: [], vnis: [] };
  // Empty lists are left out: these are the bytes that an older one sends.
  const ask = encode({ kind: 'ask', need: { ...need, ...plain } });
  const launch = encode({ kind: 'launch', request: { ...request, ...plain }, attempt: 1, placement: '', group: undefined });
  expect(ask.length).toBeLessThan(encodedBytes({ kind: 'ask', need: { ...need, ...plain, vnis: [1] } }));
  expect(decode(ask)).toMatchObject({ need: plain });
  expect(decode(launch)).toMatchObject({ request: plain });
  expect((decode(encode(ping)) as typeof ping).agreed).toBeUndefined();
});

test('a port is from 1 to 65535, an endpoint’s key names its network', () => {
  const need = fc.sample(messagesByKind.ask, { numRuns: 1, seed: 3 })[0]?.need as Need;
  const asking = (port: number): Message => ({ kind: 'ask', need: { ...need, hostPorts: [{ protocol: 'udp', ip: 0, port }] } });
  expect(codeOf(() => encode(asking(0)))).toBe('out-of-range');
  expect(codeOf(() => encode(asking(65_536)))).toBe('out-of-range');
  expect(codeOf(() => decode(encode(asking(65_535))))).toBe('no error');
  const network = 'f0'.repeat(32) as NetworkId;
  const lookUp = (key: NameKey): Message => ({ kind: 'look-up', question: 1, key, own: false });
  const key: NameKey = { kind: 'endpoint', network, name: 'a/b' };
  expect(decode(encode(lookUp(key)))).toMatchObject({ key });
  expect(codeOf(() => decode(encode(lookUp({ ...key, network: 'no id' as NetworkId }))))).toBe('out-of-range');
});

describe('bounds', () => {
  const rumour = { kind: 'state', shortId: 'a'.repeat(16), from: 'b'.repeat(16), incarnation: 3, state: 'suspect' } as const;
  const rumours = (length: number) => Array.from({ length }, () => ({ ...rumour }));

  test('too many entries are refused on both sides', () => {
    expect(codeOf(() => encode({ ...ping, gossip: rumours(LIMITS.gossipPerPacket + 1) }))).toBe('too-long');
    const full = encode({ kind: 'gossip', gossip: rumours(LIMITS.gossipPerPacket), hints: [] });
    const length = (full.length - 5) / LIMITS.gossipPerPacket;
    const entry = full.slice(full.length - length);
    const body = [...full.slice(5), ...entry];
    const over = Uint8Array.of(...full.slice(0, 3), (body.length & 0x7f) | 0x80, body.length >> 7, ...body);
    expect(codeOf(() => decode(over))).toBe('too-long');
  });

  test('labels have a bound in all, prose is cut instead', () => {
    const labels = { a: 'x'.repeat(200), b: 'y'.repeat(60) };
    const record = { ...publishOf('n'), offer: { ...publishOf('n').offer, labels } };
    expect(codeOf(() => encode(record))).toBe('too-long');
    const refused: Message = {
      kind: 'launch-refused',
      requestId: '1'.repeat(32) as never,
      containerId: '2'.repeat(64) as never,
      attempt: 1,
      error: { code: 'internal', message: 'ü'.repeat(10_000), changed: false },
    };
    const back = decode(encode(refused));
    expect(back.kind === 'launch-refused' && back.error.message).toBe('ü'.repeat(2_048));
    expect(codeOf(() => encode(publishOf('n\n')))).toBe('out-of-range');
  });
});

test('typical packets are small', () => {
  expect(encodedBytes(ping)).toBeLessThanOrEqual(26);
  expect(encodedBytes({ kind: 'ack', sequence: 70_000, gossip: [], hints: [] })).toBeLessThanOrEqual(8);
  expect(encodedBytes(publishOf('node-1'))).toBeLessThanOrEqual(90);
  const kinds: readonly MessageKind[] = Object.keys(messagesByKind) as MessageKind[];
  expect(kinds.length).toBe(30);
});

function publishOf(name: string): Extract<Message, { kind: 'publish' }> {
  return {
    kind: 'publish',
    region: { class: 'low', cpuBucket: 4, memoryBucket: 7 },
    shard: 0,
    offer: {
      supplier: target,
      class: 'low',
      arch: 'amd64',
      free: { cpuMillicores: 4_000, memoryBytes: 8 * 1024 ** 3 },
      labels: {},
      name,
      draining: false,
      epoch: { incarnation: 3, counter: 12 },
      ttlMs: 1_800_000,
    },
  };
}

function outcome(bytes: Uint8Array): 'message' | 'rejected' | 'crash' {
  try {
    decode(bytes);
    return 'message';
  } catch (error) {
    return error instanceof WireError ? 'rejected' : 'crash';
  }
}
