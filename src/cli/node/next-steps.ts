import type { InitDocument } from './node-options.ts';
import type { InitResult } from './init.ts';

const DEFAULTS = { control: 8001, gossip: 8000, vxlan: 4789, agreement: 2380 };

/** What `create` says when the first node is up. */
export function afterCreate(result: InitResult, document: InitDocument, token: string | undefined): string {
  const control = result.port;
  const ip = result.address;
  const target = control === DEFAULTS.control ? ip : `${ip.includes(':') ? `[${ip}]` : ip}:${control}`;
  const auth = document.open === true ? '' : ` --token ${token ?? '$(caravela token create, on this machine)'}`;
  const lines = [
    `${result.name} is up: the first node of instance ${result.instanceId.slice(0, 12)}, at ${ip}.`,
    '',
    'To add a machine, run on it:',
    `  caravela join ${target}${auth}`,
    '',
    `Between the machines these must be open: ${openPorts(control, document).join(', ')}.`,
  ];
  const open =
    document.open === true
      ? [
          '',
          'THIS INSTANCE IS OPEN: every machine that reaches it can join and run containers, without a token.',
          ...(result.authority === undefined
            ? []
            : [`A machine that joins shows which authority it believed. Ours is, SHA-256:\n  ${result.authority}`]),
        ]
      : [];
  return [...lines, ...open, ''].join('\n');
}

const openPorts = (control: number, { gossipPort, vxlanPort, agreementPort }: InitDocument): readonly string[] => [
  `${control}/tcp`,
  `${gossipPort ?? DEFAULTS.gossip}/udp`,
  `${vxlanPort ?? DEFAULTS.vxlan}/udp`,
  `${agreementPort ?? DEFAULTS.agreement}/tcp`,
];

/** What `join` says when the node is up. */
export function afterJoin(result: InitResult): string {
  const up = `${result.name} is up and belongs to instance ${result.instanceId.slice(0, 12)}; \`caravela nodes\` shows the others.\n`;
  if (result.trustedOnFirstUse === undefined) return up;
  return `${up}
JOINED WITHOUT A TOKEN: nothing proved that this is the instance you meant. The authority that was believed is, SHA-256:
  ${result.trustedOnFirstUse}
\`caravela create --open\` showed it on the first node. If they differ, \`caravela leave\` at once.
`;
}
