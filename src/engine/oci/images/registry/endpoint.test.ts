import { expect, it } from 'vitest';
import { endpointOf } from './endpoint.ts';

it.each<[string, readonly string[], string]>([
  ['docker.io', [], 'https://registry-1.docker.io/'],
  ['ghcr.io', [], 'https://ghcr.io/'],
  ['registry.lan:5000', [], 'https://registry.lan:5000/'],
  ['registry.lan:5000', ['registry.lan:5000'], 'http://registry.lan:5000/'],
  ['registry.lan:5000', ['registry.lan'], 'http://registry.lan:5000/'],
  ['registry.lan:5000', ['registry.lan:5001', '10.0.0.0/8'], 'https://registry.lan:5000/'],
  ['10.1.2.3:5000', ['10.0.0.0/8'], 'http://10.1.2.3:5000/'],
  ['11.1.2.3:5000', ['10.0.0.0/8', 'nonsense/99', '10.0.0.0/'], 'https://11.1.2.3:5000/'],
  ['[fd00::1]:5000', ['fd00::/8'], 'http://[fd00::1]:5000/'],
  ['localhost:5000', [], 'http://localhost:5000/'],
  ['127.0.0.2:5000', [], 'http://127.0.0.2:5000/'],
  ['[::1]:5000', [], 'http://[::1]:5000/'],
])('%s with %j is at %s', (domain, insecure, url) => {
  expect(endpointOf(domain, insecure)).toMatchObject({ domain, plain: url.startsWith('http:'), baseUrl: new URL(url) });
});
