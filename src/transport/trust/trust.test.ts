import { X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { instanceId, nodeId } from '../../core/model/index.ts';
import { createIdentity, nodeIdOfCertificate, nodeIdOfPrivateKey, UntrustedCertificate } from './identity.ts';
import { createSigner } from './signer.ts';

const signer = createSigner();
const instance = instanceId('0123456789abcdef0123456789abcdef');

async function leafOf(id = createIdentity()) {
  const authority = await signer.run({ kind: 'create-authority', instanceId: instance });
  const { requestPem } = await signer.run({ kind: 'create-request', privateKeyPem: id.privateKeyPem });
  const { certificatePem } = await signer.run({ kind: 'sign-node', authority, requestPem, nodeId: id.nodeId });
  return { id, authority, requestPem, leaf: new X509Certificate(certificatePem), ca: new X509Certificate(authority.certificatePem) };
}

test('a leaf names its node, its key, and lives ten years from the floor or the clock', async () => {
  const { id, leaf, ca } = await leafOf();
  expect(nodeIdOfCertificate(leaf, ca)).toBe(id.nodeId);
  expect(nodeIdOfPrivateKey(id.privateKeyPem)).toBe(id.nodeId);
  expect(leaf.subjectAltName).toBe(`URI:caravela:node:${id.nodeId}`);
  expect(leaf.subject).toBeFalsy();
  expect(leaf.ca).toBe(false);
  expect(leaf.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
  expect(leaf.validFromDate.getTime()).toBe(0);
  expect(leaf.validToDate.getUTCFullYear()).toBeGreaterThanOrEqual(2036);
  expect(ca.ca).toBe(true);
  expect(ca.validToDate.getUTCFullYear()).toBeGreaterThanOrEqual(2076);
});

test('a leaf of another instance, and a CA that poses as a leaf, are not trusted', async () => {
  const a = await leafOf();
  const b = await leafOf();
  expect(() => nodeIdOfCertificate(a.leaf, b.ca)).toThrow(UntrustedCertificate);
  expect(() => nodeIdOfCertificate(a.ca, a.ca)).toThrow(UntrustedCertificate);
});

test('a leaf with names is for the agreement engine, not for a node', async () => {
  const { authority, requestPem, ca } = await leafOf();
  const { certificatePem } = await signer.run({
    kind: 'sign-names',
    authority,
    requestPem,
    dnsNames: ['m1.caravela.internal'],
    ips: ['127.0.0.1'],
  });
  const leaf = new X509Certificate(certificatePem);
  expect(leaf.subjectAltName).toBe('DNS:m1.caravela.internal, IP Address:127.0.0.1');
  expect(leaf.checkHost('m1.caravela.internal')).toBe('m1.caravela.internal');
  expect(() => nodeIdOfCertificate(leaf, ca)).toThrow(/but its key is that of node/);
});

test('a request for the identity of another, or with a broken signature, is refused', async () => {
  const { authority, requestPem, id } = await leafOf();
  const other = nodeId('f'.repeat(32));
  await expect(signer.run({ kind: 'sign-node', authority, requestPem, nodeId: other })).rejects.toThrow(`not of ${other}`);

  const der = Buffer.from(requestPem.replace(/-----[^-]+-----|\s/g, ''), 'base64');
  der[der.length - 1]! ^= 1;
  const broken = `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`;
  await expect(signer.run({ kind: 'sign-node', authority, requestPem: broken, nodeId: id.nodeId })).rejects.toThrow(/signature/);
  await expect(signer.run({ kind: 'sign-node', authority, requestPem: '-----BEGIN CERTIFICATE-----', nodeId: id.nodeId })).rejects.toThrow(
    Error,
  );
});

test('a signing program that does not answer is named', async () => {
  const broken = createSigner({ entry: '/nonexistent/sign.mjs' });
  await expect(broken.run({ kind: 'create-authority', instanceId: instance })).rejects.toThrow('/nonexistent/sign.mjs');
});
