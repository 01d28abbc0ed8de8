/**
 * What the signing child is asked and answers: one JSON object on stdin, one on stdout. Types only,
 * so that the daemon can speak to the child without loading what the child loads.
 */
import type { InstanceId, NodeId } from '../../core/model/index.ts';

/** The instance's certificate authority; its key lies only where certificates are signed. */
export interface Authority {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

export type SignTask =
  | { readonly kind: 'create-authority'; readonly instanceId: InstanceId }
  /** A certificate request (PKCS #10) for a key of one's own. */
  | { readonly kind: 'create-request'; readonly privateKeyPem: string }
  /** A leaf for node-to-node TLS. Refused unless the request is signed by the key whose hash is `nodeId`. */
  | { readonly kind: 'sign-node'; readonly authority: Authority; readonly requestPem: string; readonly nodeId: NodeId }
  /** A leaf for the agreement engine: names instead of a node's URI. */
  | {
      readonly kind: 'sign-names';
      readonly authority: Authority;
      readonly requestPem: string;
      readonly dnsNames: readonly string[];
      readonly ips: readonly string[];
    };

export interface SignResults {
  readonly 'create-authority': Authority;
  readonly 'create-request': { readonly requestPem: string };
  readonly 'sign-node': { readonly certificatePem: string };
  readonly 'sign-names': { readonly certificatePem: string };
}

export type SignAnswer =
  | { readonly ok: true; readonly result: SignResults[SignTask['kind']] }
  | { readonly ok: false; readonly error: string };
