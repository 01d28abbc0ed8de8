import { checked, libc } from './libc.ts';
import { changeLink } from './rtnetlink/links.ts';
import { RouteSocket } from './rtnetlink/route-socket.ts';

/** Brings a network device of the calling thread's network namespace up. @throws SystemError */
export function setLinkUp(name: string): void {
  const socket = RouteSocket.open();
  try {
    socket.must([changeLink(name, { up: true })]);
  } finally {
    socket.close();
  }
}

const nameToIndex = libc<(name: string) => number>('uint32_t if_nametoindex(const char *name)');

/** Index of a network device in the calling thread's network namespace, in microseconds. @throws SystemError ENODEV */
export function linkIndex(name: string): number {
  const index = nameToIndex(name);
  return checked(index === 0 ? -1 : index, 'if_nametoindex', name);
}
