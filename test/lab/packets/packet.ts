/** One container's attachment to a network, as the kernel has it. */
export interface Whom {
  readonly host: string;
  readonly container: string;
  readonly network: string;
  readonly address: string;
}

/** What probes send one another, and into containers: each says who sends it, and for whom it is. */
export type Packet =
  /** `to.container` '' where the sender believes that nobody is there. */
  | { readonly kind: 'tell' | 'ask' | 'answer'; readonly id: number; readonly from: Whom; readonly to: Whom }
  /** To a published port; `meant`: who may have it; `way`: from where to where. */
  | {
      readonly kind: 'knock';
      readonly id: number;
      readonly port: number;
      readonly meant: readonly string[];
      readonly way: string;
      readonly sentMs: number;
    }
  | { readonly kind: 'here'; readonly id: number; readonly container: string };

/** Where each container is listened in. */
export const PROBE_PORT = 7001;

export const packed = (packet: Packet): Buffer => Buffer.from(JSON.stringify(packet));

/** undefined: not one of ours. */
export function unpacked(bytes: Buffer): Packet | undefined {
  try {
    const packet = JSON.parse(bytes.toString()) as Packet;
    return typeof packet.kind === 'string' && typeof packet.id === 'number' ? packet : undefined;
  } catch {
    return undefined;
  }
}

export const inWords = ({ host, container, network, address }: Whom): string =>
  `${container === '' ? 'nobody' : container.slice(0, 12)} at ${address} of network ${network.slice(0, 12)} on ${host}`;
