/**
 * A join token: `crvl1.<SHA-256 of the CA certificate>.<secret>`, both in base64url (32 and 24
 * bytes). The digest lets the joiner know whom it talks to before it sends the secret; the secret
 * lets it in. The instance keeps only a hash of the secret: 24 random bytes need no slow hash.
 */
import { createHash, randomBytes, X509Certificate } from 'node:crypto';

export interface JoinToken {
  /** SHA-256 over the CA certificate in DER, 32 bytes. */
  readonly caDigest: Buffer;
  /** 24 bytes. */
  readonly secret: Buffer;
}

/** The text is no join token; the message says what is wrong with it, without repeating a secret. */
export class MalformedToken extends Error {
  override name = 'MalformedToken';
}

const VERSION = 'crvl1';
const DIGEST_BYTES = 32;
const SECRET_BYTES = 24;

export function newToken(caCertificatePem: string): JoinToken {
  return { caDigest: caDigest(new X509Certificate(caCertificatePem)), secret: randomBytes(SECRET_BYTES) };
}

export const caDigest = (ca: X509Certificate): Buffer => createHash('sha256').update(ca.raw).digest();

export function formatToken(token: JoinToken): string {
  return `${VERSION}.${token.caDigest.toString('base64url')}.${token.secret.toString('base64url')}`;
}

/** @throws MalformedToken */
export function parseToken(text: string): JoinToken {
  const [version, digest, secret, ...rest] = text.trim().split('.');
  if (version !== VERSION) {
    throw new MalformedToken(
      `a join token begins with "${VERSION}.", this one with ${JSON.stringify(text.trim().slice(0, 6))}: copy the whole line that "caravela token create" printed`,
    );
  }
  if (digest === undefined || secret === undefined || rest.length > 0) {
    throw new MalformedToken(
      `a join token has three parts divided by dots, this one has ${text.split('.').length}: was it cut when copied?`,
    );
  }
  return {
    caDigest: bytesOf(digest, DIGEST_BYTES, 'its second part'),
    secret: bytesOf(secret, SECRET_BYTES, 'its third part'),
  };
}

/** Names a token without giving it away: the first 12 hex digits of SHA-256 over its secret. */
export const tokenId = (secret: Uint8Array): string => hashSecret(secret).toString('hex').slice(0, 12);

export const hashSecret = (secret: Uint8Array): Buffer => createHash('sha256').update(secret).digest();

function bytesOf(text: string, length: number, what: string): Buffer {
  const bytes = Buffer.from(text, 'base64url');
  // Decoding is lenient in Node, so the text must also be what these bytes encode to.
  if (bytes.length !== length || bytes.toString('base64url') !== text) {
    throw new MalformedToken(`the join token is damaged: ${what} must be ${length} bytes in base64url; was it cut when copied?`);
  }
  return bytes;
}
