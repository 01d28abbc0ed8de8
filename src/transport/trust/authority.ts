/**
 * Makes the instance's CA and signs leaves. Loaded only by the signing child: the X.509 library
 * would cost the long-lived daemon 8 MB for something done once per join.
 *
 * Dates: clocks of edge machines lie, often by being at 1970 after a power cut. So everything is
 * valid from 1970 on, and the end is counted from this machine's clock or from the floor below,
 * whichever is later: a signer whose clock is wrong never makes a leaf that has expired already.
 */
import 'reflect-metadata';
import { createPrivateKey, createPublicKey, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import type { InstanceId, NodeId } from '../../core/model/index.ts';
import { createIdentity, nodeIdOfSpki, nodeUri } from './identity.ts';
import type { Authority } from './sign-task.ts';

const CURVE = { name: 'ECDSA', namedCurve: 'P-256' };
const SIGNATURE = { name: 'ECDSA', hash: 'SHA-256' };
const NOT_BEFORE = new Date(0);
const CLOCK_FLOOR_MS = Date.UTC(2026, 0, 1);
const LEAF_YEARS = 10;
const CA_YEARS = 50;

x509.cryptoProvider.set(webcrypto);

export async function createAuthority(instanceId: InstanceId): Promise<Authority> {
  const { privateKeyPem } = createIdentity();
  const { privateKey, publicKey } = await importKeys(privateKeyPem);
  const name = `CN=caravela instance ${instanceId}`;
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: name,
    issuer: name,
    notBefore: NOT_BEFORE,
    notAfter: yearsFromNow(CA_YEARS),
    signingKey: privateKey,
    publicKey,
    signingAlgorithm: SIGNATURE,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(publicKey),
    ],
  });
  return { certificatePem: certificate.toString('pem'), privateKeyPem };
}

export async function createRequest(privateKeyPem: string): Promise<string> {
  const keys = await importKeys(privateKeyPem);
  const request = await x509.Pkcs10CertificateRequestGenerator.create({ name: '', keys, signingAlgorithm: SIGNATURE });
  return request.toString('pem');
}

/** @throws when the request is not signed by the key whose hash is `nodeId`. */
export async function signNode(authority: Authority, requestPem: string, nodeId: NodeId): Promise<string> {
  const publicKey = await keyOfRequest(requestPem);
  const actual = nodeIdOfSpki(new Uint8Array(publicKey.rawData));
  if (actual !== nodeId) throw new Error(`the request is of node ${actual}, not of ${nodeId}`);
  return signLeaf(authority, publicKey, [{ type: 'url', value: nodeUri(nodeId) }]);
}

/** @throws when the request's own signature is wrong. */
export async function signNames(
  authority: Authority,
  requestPem: string,
  dnsNames: readonly string[],
  ips: readonly string[],
): Promise<string> {
  const names: x509.JsonGeneralNames = [
    ...dnsNames.map((value) => ({ type: 'dns' as const, value })),
    ...ips.map((value) => ({ type: 'ip' as const, value })),
  ];
  return signLeaf(authority, await keyOfRequest(requestPem), names);
}

async function signLeaf(authority: Authority, publicKey: x509.PublicKey, names: x509.JsonGeneralNames): Promise<string> {
  const ca = new x509.X509Certificate(authority.certificatePem);
  const { privateKey } = await importKeys(authority.privateKeyPem);
  const leaf = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    // No subject: then the alternative name must be critical (RFC 5280 §4.2.1.6).
    subject: '',
    issuer: ca.subject,
    notBefore: NOT_BEFORE,
    notAfter: yearsFromNow(LEAF_YEARS),
    signingKey: privateKey,
    publicKey,
    signingAlgorithm: SIGNATURE,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
      new x509.SubjectAlternativeNameExtension(names, true),
      await x509.AuthorityKeyIdentifierExtension.create(ca.publicKey),
    ],
  });
  return leaf.toString('pem');
}

/** The request's key, once its signature has shown that the asker holds it. */
async function keyOfRequest(requestPem: string): Promise<x509.PublicKey> {
  const request = new x509.Pkcs10CertificateRequest(requestPem);
  if (!(await request.verify())) throw new Error('the signature of the certificate request is wrong');
  return request.publicKey;
}

async function importKeys(privateKeyPem: string): Promise<webcrypto.CryptoKeyPair> {
  const key = createPrivateKey(privateKeyPem);
  const [privateKey, publicKey] = await Promise.all([
    webcrypto.subtle.importKey('pkcs8', key.export({ type: 'pkcs8', format: 'der' }), CURVE, true, ['sign']),
    webcrypto.subtle.importKey('spki', createPublicKey(key).export({ type: 'spki', format: 'der' }), CURVE, true, ['verify']),
  ]);
  return { privateKey, publicKey };
}

/** 16 random bytes, positive (RFC 5280 §4.1.2.2). */
function serialNumber(): string {
  const bytes = webcrypto.getRandomValues(new Uint8Array(16));
  bytes[0] = (bytes[0]! & 0x3f) | 0x40;
  return Buffer.from(bytes).toString('hex');
}

function yearsFromNow(years: number): Date {
  const date = new Date(Math.max(Date.now(), CLOCK_FLOOR_MS));
  date.setUTCFullYear(date.getUTCFullYear() + years);
  date.setUTCMilliseconds(0);
  return date;
}
