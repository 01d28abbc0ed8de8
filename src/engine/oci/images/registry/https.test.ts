import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterEach, expect, test } from 'vitest';
import { request, PATIENCE, readBody } from './http-request.ts';

const undo: (() => void)[] = [];
afterEach(() => {
  for (const each of undo.splice(0).toReversed()) each();
});

/** A registry's TLS end with a certificate of its own making, for 127.0.0.1. */
async function tlsServer(): Promise<{ readonly url: URL; readonly certificate: string }> {
  const dir = mkdtempSync(join(tmpdir(), 'caravela-https-'));
  undo.push(() => rmSync(dir, { recursive: true, force: true }));
  const [key, certificate] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
  const words = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  execFileSync('openssl', [...words, '-keyout', key, '-out', certificate, '-subj', '/CN=test', '-addext', 'subjectAltName=IP:127.0.0.1'], {
    stdio: 'ignore',
  });
  const server = createServer({ key: readFileSync(key), cert: readFileSync(certificate) }, (_request, response) => response.end('{}'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  undo.push(() => server.close());
  return {
    url: new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}/v2/`),
    certificate: readFileSync(certificate, 'utf8'),
  };
}

const options = { headers: {}, signal: new AbortController().signal, patience: { ...PATIENCE, attempts: 1 }, peer: 'registry r' };

test('a certificate that this host trusts is accepted', async () => {
  const { url, certificate } = await tlsServer();
  const before = getCACertificates('default');
  setDefaultCACertificates([...before, certificate]);
  undo.push(() => setDefaultCACertificates(before));
  const response = await request(url, options);
  expect(response.statusCode).toBe(200);
  expect((await readBody(response, 100, 'it')).toString()).toBe('{}');
});

test('one that it does not trust is refused, saying what to do', async () => {
  const { url } = await tlsServer();
  await expect(request(url, options)).rejects.toThrow(
    /registry r can't be reached: its TLS certificate is not accepted \([^;]*\); put .*certs\.d.*use a certificate this host trusts.*insecure_registries/,
  );
});
