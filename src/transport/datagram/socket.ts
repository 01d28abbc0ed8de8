/** A UDP socket bound to this node's address, with a bounded send queue. */
import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';

export interface DatagramSocket {
  /** The port it is bound to. */
  readonly port: number;
  /** False when the packet was dropped because too many wait. What goes wrong later is as if the network had lost it. */
  send(packet: Buffer, ip: string, port: number): boolean;
  close(): Promise<void>;
}

/** Packets that wait for the kernel; a burst of gossip to every member fits. */
const QUEUE_PACKETS = 4_096;
/** Room for about 800 packets that come while the event loop is busy. The kernel may grant less. */
const BUFFER_BYTES = 1024 * 1024;

/** @throws the bind's error (EADDRINUSE, EADDRNOTAVAIL, …). */
export async function openDatagramSocket(ip: string, port: number, onPacket: (packet: Buffer) => void): Promise<DatagramSocket> {
  const type = isIPv6(ip) ? 'udp6' : 'udp4';
  const socket = createSocket({ type, recvBufferSize: BUFFER_BYTES, sendBufferSize: BUFFER_BYTES, lookup: asItIs });
  await bind(socket, ip, port);
  // Linux reports past sends' ICMP errors here; they concern a peer, not us.
  socket.on('error', () => {});
  socket.on('message', onPacket);
  const lost = (): void => {};
  return {
    port: socket.address().port,
    send(packet, toIp, toPort) {
      if (socket.getSendQueueCount() >= QUEUE_PACKETS) return false;
      socket.send(packet, toPort, toIp, lost);
      return true;
    },
    close: () => new Promise((resolve) => socket.close(resolve)),
  };
}

/** Addresses here are never names. Node's own lookup would answer a tick later, for each packet. */
function asItIs(address: string, _options: unknown, found: (error: null, address: string, family: number) => void): void {
  found(null, address, isIPv6(address) ? 6 : 4);
}

function bind(socket: Socket, ip: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      socket.close();
      reject(error);
    };
    socket.once('error', fail);
    socket.bind({ address: ip, port, exclusive: true }, () => {
      socket.off('error', fail);
      resolve();
    });
  });
}
