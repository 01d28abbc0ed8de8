import { expect, test } from 'vitest';
import { back, front, ip } from './dns.test-helper.ts';
import { meaningOf } from './meaning.ts';

const networks = [
  { id: front, name: 'front' },
  { id: back, name: 'Back.end' },
];

test('bare names, names on a network, addresses the other way round, the rest', () => {
  expect(meaningOf('web', networks)).toEqual({ kind: 'container', name: 'web', networks: [front, back] });
  expect(meaningOf('my.web.front', networks)).toEqual({ kind: 'container', name: 'my.web', networks: [front] });
  expect(meaningOf('web.back.end', networks)).toEqual({ kind: 'container', name: 'web', networks: [back] });
  expect(meaningOf('4.3.2.10.in-addr.arpa', networks)).toEqual({ kind: 'address', address: ip('10.2.3.4') });
  for (const name of [
    '',
    'www.example.org',
    '.front',
    'web.end',
    'webfront.',
    '3.2.10.in-addr.arpa',
    '04.3.2.10.in-addr.arpa',
    'x.ip6.arpa',
  ])
    expect(meaningOf(name, networks), name).toEqual({ kind: 'foreign' });
});
