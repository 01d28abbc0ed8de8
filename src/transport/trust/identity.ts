/**
 * A node's identity is its key (DESIGN §2.5): the id is a hash of the public key, so whoever proves
 * to hold the key is the node, at whatever address. The certificate only says which instance the
 * key belongs to; its URI repeats the id for people and other tools to read.
 *
 * P-256 and not Ed25519, because every TLS stack that must read the same CA (Node's, Go's in etcd)
 * takes it.
 */
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { nodeId } from '../../core/model/index.ts';
import type { NodeId } from '../../core/model/index.ts';

/** What a node is: to be kept in a file only root can read. */
export interface Identity {
  readonly nodeId: NodeId;
  /** PKCS #8, P-256. */
  readonly privateKeyPem: string;
}

export function createIdentity(): Identity {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { nodeId: nodeIdOfKey(publicKey), privateKeyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

/** @throws when the text is no private key. */
export function nodeIdOfPrivateKey(privateKeyPem: string): NodeId {
  return nodeIdOfKey(createPublicKey(createPrivateKey(privateKeyPem)));
}

/** The first 16 bytes of SHA-256 over the SubjectPublicKeyInfo in DER (RFC 5280 §4.1.2.7), in hex. */
export function nodeIdOfKey(publicKey: KeyObject): NodeId {
  return nodeIdOfSpki(publicKey.export({ type: 'spki', format: 'der' }));
}

/** As nodeIdOfKey, from the DER bytes themselves. */
export function nodeIdOfSpki(der: Uint8Array): NodeId {
  return nodeId(createHash('sha256').update(der).digest('hex').slice(0, 32));
}

/** The subject alternative name of a node's leaf. */
export const nodeUri = (id: NodeId): string => `caravela:node:${id}`;

/** A certificate that does not prove to be a node of this instance; the message says why. */
export class UntrustedCertificate extends Error {
  override name = 'UntrustedCertificate';
}

/**
 * Who holds this leaf. The validity dates are TLS's business, not checked here.
 * @throws UntrustedCertificate unless `ca` signed it and its URI names its own key.
 */
export function nodeIdOfCertificate(leaf: X509Certificate, ca: X509Certificate): NodeId {
  if (leaf.ca || !leaf.checkIssued(ca) || !leaf.verify(ca.publicKey)) {
    throw new UntrustedCertificate('the certificate was not signed by the CA of this instance');
  }
  const id = nodeIdOfKey(leaf.publicKey);
  const names = (leaf.subjectAltName ?? '').split(', ');
  if (!names.includes(`URI:${nodeUri(id)}`)) {
    throw new UntrustedCertificate(`the certificate names ${leaf.subjectAltName ?? 'nobody'}, but its key is that of node ${id}`);
  }
  return id;
}
