import { attribute, netlink } from './netlink.ts';

const RTM_NEWLINK = 16;
const IFLA_IFNAME = 3;
const IFF_UP = 1;

/** Brings a network device of the calling thread's network namespace up. @throws SystemError */
export function setLinkUp(name: string): void {
  // struct ifinfomsg: family, type, index, flags, change mask.
  const info = Buffer.alloc(16);
  info.writeUInt32LE(IFF_UP, 8);
  info.writeUInt32LE(IFF_UP, 12);
  const body = Buffer.concat([info, attribute(IFLA_IFNAME, Buffer.from(`${name}\0`))]);
  netlink({ type: RTM_NEWLINK, flags: 0, body }, `set link ${name} up`);
}
