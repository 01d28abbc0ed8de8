import { createInterface } from 'node:readline';
import type { ContainerId, NetworkId } from '../../../core/model/index.ts';
import type { Attached, HostNetworks } from '../../port.ts';
import { OverlayNetwork } from '../overlay-network.ts';

/**
 * One host's daemon as tests know it: the overlay in a process of its own, in the network namespace in which it is
 * started, asked line by line. `node driver.test-suite.ts RUNDIR SHORTID`
 */
const [runDir = '', shortId = ''] = process.argv.slice(2);
const network = new OverlayNetwork({
  runDir,
  shortId,
  log: (level, message, facts) => process.stderr.write(`${shortId} ${level} ${message} ${JSON.stringify(facts ?? {})}\n`),
});

const calls: Record<string, (argument: never) => unknown> = {
  makeNamespace: (id: ContainerId) => network.makeNamespace(id),
  removeNamespace: (id: ContainerId) => network.removeNamespace(id),
  want: (state: HostNetworks) => network.want(state),
  settled: (networks: readonly NetworkId[] | undefined) => network.settled(networks),
  attach: (endpoint: Attached) => network.attach(endpoint),
  detach: ({ container, network: from }: Attached) => network.detach(container, from),
  recover: ({ known, endpoints }: { known: readonly ContainerId[]; endpoints: readonly Attached[] }) =>
    network.recover((id) => known.includes(id), endpoints),
  shortened: () => network.shortened(),
  drift: () => network.drift(),
  removeAll: () => network.removeAll(),
  close: () => network.close(),
  /** How long each of many took, start to end, in ms. */
  timeAttach: async (endpoints: readonly Attached[]) => {
    const times: number[] = [];
    for (const endpoint of endpoints) {
      const before = performance.now();
      await network.attach(endpoint);
      times.push(performance.now() - before);
    }
    return times;
  },
};

const lines = createInterface(process.stdin);
// Whoever asked has died: what goes on for nobody would keep its directory and namespaces.
lines.on('close', () => process.exit());
lines.on('line', (line) => {
  const { id, call, argument } = JSON.parse(line) as { id: number; call: string; argument: unknown };
  const answer = (result: object): boolean => process.stdout.write(`${JSON.stringify({ id, ...result })}\n`);
  void (async () => calls[call]?.(argument as never))().then(
    (value) => answer({ value }),
    (error: unknown) => answer({ error: error instanceof Error ? error.message : String(error) }),
  );
});
process.stdout.write('{"id":0}\n');
