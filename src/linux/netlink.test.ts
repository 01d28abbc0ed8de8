import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  attribute,
  byteIn,
  decodeAttributes,
  decodeMessages,
  encodeMessage,
  ipv4Attribute,
  ipv4In,
  macAttribute,
  macIn,
  nestedAttribute,
  nestedIn,
  numberAttribute,
  numberIn,
  portAttribute,
  portIn,
  textAttribute,
  textIn,
} from './netlink.ts';

const bytes = fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array));

describe('netlink messages', () => {
  it('pads attributes and counts them unpadded', () => {
    expect([...attribute(3, Buffer.from('lo\0'))]).toEqual([7, 0, 3, 0, 0x6c, 0x6f, 0, 0]);
  });

  it('is laid out as the kernel wants it', () => {
    const message = encodeMessage({ what: '', type: 16, flags: 0x400, body: Buffer.from([1, 2, 3, 4, 5]) }, 4, 9);
    expect([...message]).toEqual([21, 0, 0, 0, 16, 0, 5, 4, 9, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 0, 0, 0]);
  });

  it('reads back what it wrote', () => {
    const body = Buffer.concat([
      Buffer.alloc(4),
      textAttribute(1, 'eth0'),
      nestedAttribute(2, [numberAttribute(1, 0xfffffffe), ipv4Attribute(2, 0xc0a80001)]),
      portAttribute(3, 4789),
      macAttribute(4, '02:42:0a:d2:00:02'),
    ]);
    const request = { what: '', type: 24, flags: 0, body };
    const datagram = Buffer.concat([encodeMessage(request, 0, 1), encodeMessage(request, 0, 2)]);
    const messages = [...decodeMessages(datagram)];
    expect(messages.map(({ type, sequence, port }) => ({ type, sequence, port }))).toEqual([
      { type: 24, sequence: 1, port: 0 },
      { type: 24, sequence: 2, port: 0 },
    ]);
    const attributes = decodeAttributes(messages[1]?.body ?? Buffer.alloc(0), 4);
    expect(textIn(attributes, 1)).toBe('eth0');
    expect(numberIn(nestedIn(attributes, 2), 1)).toBe(0xfffffffe);
    expect(ipv4In(nestedIn(attributes, 2), 2)).toBe(0xc0a80001);
    expect(portIn(attributes, 3)).toBe(4789);
    expect(macIn(attributes, 4)).toBe('02:42:0a:d2:00:02');
  });

  it('takes what is absent or too short for nothing', () => {
    const attributes = decodeAttributes(Buffer.concat([attribute(1, Buffer.from([7])), attribute(2, Buffer.alloc(0))]));
    expect([numberIn(attributes, 1), ipv4In(attributes, 1), numberIn(attributes, 9)]).toEqual([undefined, undefined, undefined]);
    expect([byteIn(attributes, 1), byteIn(attributes, 2), portIn(attributes, 1), textIn(attributes, 2), macIn(attributes, 1)]).toEqual([
      7,
      0,
      0,
      '',
      '',
    ]);
    expect(nestedIn(attributes, 1).size).toBe(0);
  });

  it('ends at junk, and never reads beyond it', () => {
    fc.assert(
      fc.property(bytes, fc.nat(20), (junk, offset) => {
        let read = 0;
        for (const { body } of decodeMessages(junk)) read += 16 + body.length;
        expect(read).toBeLessThanOrEqual(junk.length);
        let held = 0;
        for (const value of decodeAttributes(junk, offset).values()) held += 4 + value.length;
        expect(held).toBeLessThanOrEqual(junk.length);
      }),
    );
  });
});
