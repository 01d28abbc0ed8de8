import { describe, expect, it } from 'vitest';
import { attribute, encodeRequest } from './netlink.ts';

describe('netlink', () => {
  it('pads attributes and counts them unpadded', () => {
    expect([...attribute(3, Buffer.from('lo\0'))]).toEqual([7, 0, 3, 0, 0x6c, 0x6f, 0, 0]);
  });

  it('asks for an acknowledgement', () => {
    const message = encodeRequest({ type: 16, flags: 0x400, body: Buffer.from([1, 2, 3, 4]) }, 9);
    expect([...message]).toEqual([20, 0, 0, 0, 16, 0, 5, 4, 9, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4]);
  });
});
