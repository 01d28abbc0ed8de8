import * as dns from 'dns-packet';
import type { Endpoint } from './endpoint-table.ts';
import { socketIn } from './socket-in.ts';

const ANSWER_MS = 1_500;

/** What a name means to a container on one of its networks: addresses, a code such as NXDOMAIN, or `nothing`. */
export function askName(netnsPath: string, from: Endpoint, gateway: string, name: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = socketIn(netnsPath, from.address, 0);
    const end = (said: string) => {
      clearTimeout(timer);
      socket.removeAllListeners('message');
      try {
        socket.close();
      } catch {
        // It was never bound.
      }
      resolve(said);
    };
    const timer = setTimeout(() => end('nothing'), ANSWER_MS);
    socket.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
    socket.on('message', (bytes) => end(read(bytes)));
    const question = dns.encode({ type: 'query', id: 1, flags: dns.RECURSION_DESIRED, questions: [{ type: 'A', name }] });
    socket.send(question, 53, gateway, () => undefined);
  });
}

function read(bytes: Buffer): string {
  const packet = dns.decode(bytes) as dns.DecodedPacket & { readonly rcode: string };
  const addresses = (packet.answers ?? []).flatMap((answer) => (answer.type === 'A' ? [answer.data] : []));
  return addresses.length > 0 ? addresses.toSorted().join(' ') : packet.rcode;
}
