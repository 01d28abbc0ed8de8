import { describe, expect, it } from 'vitest';
import { withDns, withHosts } from './etc-files.ts';

const HOST = 'nameserver 10.0.0.1\nsearch example.org\noptions edns0\n';

describe('what a container finds in /etc where no network of ours says it', () => {
  it.each([
    [{ servers: [], search: [], options: [] }, HOST],
    [{ servers: ['127.0.0.1'], search: [], options: [] }, 'search example.org\nnameserver 127.0.0.1\noptions edns0\n'],
    [{ servers: [], search: ['a', 'b'], options: ['ndots:9'] }, 'search a b\nnameserver 10.0.0.1\noptions ndots:9\n'],
    [{ servers: [], search: ['.'], options: [] }, 'nameserver 10.0.0.1\noptions edns0\n'],
  ])('asks for names as %j says', (dns, text) => {
    expect(withDns(HOST, dns)).toBe(text);
  });

  it('knows the hosts that were added', () => {
    expect(withHosts('127.0.0.1 localhost', ['extra:1.2.3.4', 'six:::1', 'up:host-gateway'])).toBe(
      '127.0.0.1 localhost\n1.2.3.4\textra\n::1\tsix\n127.0.0.1\tup\n',
    );
    expect(withHosts('127.0.0.1 localhost', [])).toBe('127.0.0.1 localhost');
  });
});
