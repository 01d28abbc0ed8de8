import { mkdirSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { imageOf, never, openImages, pullOptions, temporaryDir } from '../images-bench.test-suite.ts';
import { tlsRegistry } from '../registries.test-suite.ts';
import { ociArchive } from '../../../../../scripts/make-image.ts';
import { Readable } from 'node:stream';
import { PATIENCE } from './http-request.ts';

const image = imageOf([{ name: 'file', content: 'over TLS' }]);

/** Docker's directory of certificates with these files for one registry. */
function certificates(domain: string, files: Readonly<Record<string, string>>): string {
  const dir = temporaryDir();
  mkdirSync(join(dir, domain));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(dir, domain, name), content);
  return dir;
}

it("a registry's own CA is trusted for that registry, to push and to pull", async () => {
  const { domain, ca } = await tlsRegistry();
  const certificatesDir = certificates(domain, { 'ca.crt': ca });
  const images = openImages({ certificatesDir });
  await images.load(Readable.from([await ociArchive(image, `${domain}/app:1`)]), () => undefined);
  await images.push(`${domain}/app:1`, { credentials: undefined, signal: never, onProgress: () => undefined });
  expect((await openImages({ certificatesDir }).pull(`${domain}/app:1`, pullOptions())).id).toBe(image.configDigest);
  const elsewhere = certificates(domain, { 'readme.txt': 'no CA' });
  await expect(openImages({ certificatesDir: elsewhere }).pull(`${domain}/app:1`, pullOptions())).rejects.toMatchObject({
    code: 'unreachable',
    message: expect.stringContaining('its TLS certificate is not accepted'),
  });
});

it('one that takes a connection and never begins with TLS is no connection', async () => {
  const server = createServer(() => undefined).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const certificatesDir = certificates(`127.0.0.1:${port}`, {});
  const images = openImages({ certificatesDir, patience: { ...PATIENCE, greetingMs: 100 } });
  await expect(images.pull(`127.0.0.1:${port}/app:1`, pullOptions())).rejects.toMatchObject({
    code: 'unreachable',
    message: expect.stringContaining(
      `registry 127.0.0.1:${port} can't be reached: no connection within 0.1 s; is a registry running at 127.0.0.1:${port}`,
    ),
  });
});

it('a registry that wants a client certificate gets it', async () => {
  const { domain, ca, client } = await tlsRegistry(true);
  await expect(
    openImages({ certificatesDir: certificates(domain, { 'ca.crt': ca }) }).login(domain, { username: 'me', password: 'x' }, never),
  ).rejects.toMatchObject({ code: 'unreachable' });
  const files = { 'ca.crt': ca, 'client.cert': client.cert, 'client.key': client.key };
  await openImages({ certificatesDir: certificates(domain, files) }).login(domain, { username: 'me', password: 'x' }, never);
});

it.each<[string, Readonly<Record<string, string>>, string]>([
  ['no key', { 'client.cert': 'x' }, 'client.key is missing'],
  ['nonsense', { 'ca.crt': 'no certificate', 'client.cert': 'x', 'client.key': 'y' }, "can't be used for this registry"],
])('a directory with %s says so', async (_, files, words) => {
  const certificatesDir = certificates('127.0.0.1:9', files);
  await expect(openImages({ certificatesDir }).pull('127.0.0.1:9/app', pullOptions())).rejects.toMatchObject({
    code: 'denied',
    message: expect.stringContaining(words),
  });
});
