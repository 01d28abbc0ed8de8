import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeUdpFlow } from './conntrack.ts';
import { attribute, byteAttribute, ipv4Attribute, nestedAttribute, portAttribute } from './netlink.ts';

const tuple = (type: number, source: number, destination: number, sourcePort: number, port: number, protocol = 17): Buffer =>
  nestedAttribute(type, [
    nestedAttribute(1, [ipv4Attribute(1, source), ipv4Attribute(2, destination)]),
    nestedAttribute(2, [byteAttribute(1, protocol), portAttribute(2, sourcePort), portAttribute(3, port)]),
  ]);
const status = (bits: number): Buffer => attribute(3, Buffer.from([0, 0, bits >> 8, bits & 0xff]));
const id = attribute(12, Buffer.from([1, 2, 3, 4]));
const message = (...attributes: readonly Buffer[]): Buffer => Buffer.concat([Buffer.from([2, 0, 0, 0]), ...attributes]);

describe('a flow as the kernel tells it', () => {
  it('is where it was sent, and where it went', () => {
    const body = message(tuple(1, 0xcb007101, 0xc0000201, 5000, 8083), tuple(2, 0x0a010102, 0xcb007101, 81, 5000), status(0x20), id);
    expect(decodeUdpFlow(body)).toMatchObject({
      destination: 0xc0000201,
      port: 8083,
      to: 0x0a010102,
      toPort: 81,
      isTranslated: true,
      id: Buffer.from([1, 2, 3, 4]),
    });
  });

  it('is none of UDP where the protocol is another, or what tells it apart is missing', () => {
    expect(decodeUdpFlow(message(tuple(1, 1, 2, 3, 4, 6), tuple(2, 2, 1, 4, 3, 6), status(0), id))).toBeUndefined();
    expect(decodeUdpFlow(message(tuple(1, 1, 2, 3, 4), tuple(2, 2, 1, 4, 3), status(0)))).toBeUndefined();
    expect(decodeUdpFlow(message(tuple(1, 1, 2, 3, 4), status(0), id))).toBeUndefined();
  });

  it('may be any bytes', () => {
    const whole = message(tuple(1, 1, 2, 3, 4), tuple(2, 2, 1, 4, 3), status(0), id);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(whole.length), fc.nat(255), (junk, at, value) => {
        decodeUdpFlow(Buffer.from(junk));
        decodeUdpFlow(whole.subarray(0, at));
        const changed = Buffer.from(whole);
        changed[at % whole.length] = value;
        decodeUdpFlow(changed);
      }),
    );
  });
});
