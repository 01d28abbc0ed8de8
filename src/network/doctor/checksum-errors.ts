import { readFileSync } from 'node:fs';

/** TCP segments and UDP datagrams with a wrong checksum that came to the calling thread's network namespace since boot. */
export function checksumErrors(): number {
  return sumErrors(readFileSync('/proc/thread-self/net/snmp', 'latin1'));
}

/** /proc/net/snmp: per protocol a line of names and one of values. */
export function sumErrors(text: string): number {
  const lines = text.split('\n');
  return ['Tcp:', 'Udp:'].reduce((sum, protocol) => {
    const [names = [], values = []] = lines.filter((line) => line.startsWith(`${protocol} `)).map((line) => line.split(' '));
    return sum + (Number(values[names.indexOf('InCsumErrors')]) || 0);
  }, 0);
}
