/** Says in a sentence why a port could not be opened, and what to do about it. */
import { networkInterfaces } from 'node:os';
import { portOwner } from './port-owner.ts';

export class TransportStartError extends Error {
  override name = 'TransportStartError';
  readonly code: 'port-taken' | 'address-not-here' | 'not-permitted' | 'failed';
  constructor(code: TransportStartError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

export function startError(error: NodeJS.ErrnoException, protocol: 'tcp' | 'udp', ip: string, port: number): TransportStartError {
  const option = protocol === 'tcp' ? '--port' : '--gossip-port';
  const what = `port ${port}/${protocol} on ${ip}`;
  switch (error.code) {
    case 'EADDRINUSE': {
      const owner = portOwner(protocol, port) ?? 'another program';
      return new TransportStartError('port-taken', `${what} is taken by ${owner}: stop it, or choose another port with ${option}`);
    }
    case 'EADDRNOTAVAIL':
      return new TransportStartError(
        'address-not-here',
        `${ip} is not an address of this host (it has ${ownAddresses()}): give one of these as MACHINE_IP or with --advertise`,
      );
    case 'EACCES':
      return new TransportStartError(
        'not-permitted',
        `${what} may not be opened by this user: run as root, or choose a port above 1023 with ${option}`,
      );
    default:
      return new TransportStartError('failed', `${what} could not be opened: ${error.message}`);
  }
}

function ownAddresses(): string {
  const all = Object.entries(networkInterfaces()).flatMap(([name, list]) => (list ?? []).map((entry) => `${entry.address} on ${name}`));
  return all.length === 0 ? 'none' : all.slice(0, 8).join(', ');
}
