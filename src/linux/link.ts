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
