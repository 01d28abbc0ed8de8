import { describe, expect, it } from 'vitest';
import { announcement, ArpSocket } from './arp-socket.ts';

describe('ArpSocket', () => {
  it('says to all that an address is at a MAC', () => {
    const hex = announcement(0x0a010203, '0a:cb:0a:01:00:01').toString('hex');
    expect(hex).toBe('ffffffffffff0acb0a010001080600010800060400010acb0a0100010a0102030000000000000a010203');
  });

  it('says which device it could not tell', () => {
    const socket = new ArpSocket();
    try {
      expect(() => socket.announce(999_999, 0x0a010203, '0a:cb:0a:01:00:01')).toThrow('sendto(device 999999): ENXIO');
    } finally {
      socket.close();
    }
  });
});
