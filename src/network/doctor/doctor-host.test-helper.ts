/** A host's doctor as a process of its own, in whatever network namespace it is started: hosts meet over plain HTTP here. */
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import type { NodeId } from '../../core/model/index.ts';
import { parseIpv4 } from '../../lib/ipv4.ts';
import { Doctor } from './doctor.ts';
import type { DoctorPeer } from './probe-peer.ts';

const [, , own = '1', other = '2'] = process.argv;
const INNER = parseIpv4('198.18.0.0') ?? 0;
const host = (number: string): DoctorPeer => ({
  id: number as NodeId,
  name: `node-${number}`,
  underlayIp: `10.7.0.${number}`,
  underlayMtu: 1500,
  innerAddress: INNER + Number(number),
});

const doctor = new Doctor({
  self: () => host(own),
  peers: () => [host(other)],
  ask: (peer, path, timeoutMs) =>
    new Promise((resolve, reject) => {
      const options = { host: host(peer).underlayIp, port: 8001, path, method: 'POST', headers: { from: own }, timeout: timeoutMs };
      request(options, (response) => void text(response).then(resolve, reject))
        .on('timeout', () => reject(new Error('timed out')))
        .on('error', reject)
        .end();
    }),
  wallMs: () => Date.now() + (own === '2' ? 5_000 : 0),
  vxlanPort: 4789,
  devices: 'cvtest01',
  table: 'caravela-test01',
  drift: () => ({ repairs: 0, last: [], failure: undefined }),
  nameProblems: () => (own === '2' ? ['port 53/udp of 10.7.0.1 is taken by dnsmasq (pid 7)'] : []),
  overlaps: () => (own === '2' ? ['its route 10.20.0.0/16 (eth0) overlaps network back (10.20.0.0/24)'] : []),
  agreement: async () => ({ quorum: true, words: 'all agree' }),
});

const serve = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
  const { status, body } = await doctor.servePeer(incoming.url ?? '', String(incoming.headers['from']) as NodeId);
  response.writeHead(status).end(body);
};
const server = createServer((incoming, response) => void serve(incoming, response));
server.listen(8001, host(own).underlayIp, () => console.log('listening'));

const lines = createInterface(process.stdin);
const examine = async (): Promise<void> => console.log(JSON.stringify(await doctor.examine()));
lines.on('line', () => void examine());
lines.on('close', () => {
  doctor.close();
  server.close();
  server.closeAllConnections();
});
