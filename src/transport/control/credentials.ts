import { createSecureContext } from 'node:tls';
import type { SecureContext, SecureContextOptions } from 'node:tls';
import { constants, X509Certificate } from 'node:crypto';

/** What a node shows to others, and the CA it believes. All PEM. */
export interface Credentials {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
  readonly caPem: string;
}

export interface LoadedCredentials {
  readonly ca: X509Certificate;
  /** What a server takes. */
  readonly tls: SecureContextOptions;
  /** The same, made once for all connections to others. */
  readonly context: SecureContext;
}

/**
 * TLS 1.3 only. The leaf is sent with the CA behind it, so that a joiner can check the chain
 * against its token. No session tickets: each session shows its certificate anew.
 */
export function loadCredentials(credentials: Credentials): LoadedCredentials {
  const tls: SecureContextOptions = {
    cert: `${credentials.certificatePem.trim()}\n${credentials.caPem}`,
    key: credentials.privateKeyPem,
    ca: credentials.caPem,
    minVersion: 'TLSv1.3',
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
  return { ca: new X509Certificate(credentials.caPem), tls, context: createSecureContext(tls) };
}
