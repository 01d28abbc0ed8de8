import { type AgreedNetwork, type Command, type Container, type NodeId, type Result, shortId } from '../../core/model/index.ts';
import type { CoreNode } from '../../core/node/port.ts';
import type { ContainerSpec, Engine } from '../../engine/port.ts';
import { formatIpv4 } from '../../lib/ipv4.ts';
import { createDnsServer } from '../../network/dns/server.ts';
import { hostSearch } from '../../network/dns/host-servers.ts';
import { hostsFile } from '../../network/dns/hosts-file.ts';
import { resolvConf } from '../../network/dns/resolv-conf.ts';
import type { Doctor } from '../../network/doctor/doctor.ts';
import type { Network } from '../../network/port.ts';
import { Names } from '../../network/vxlan/names.ts';
import { OverlayNetwork } from '../../network/vxlan/overlay-network.ts';
import type { Store } from '../../store/port.ts';
import type { PeerRequest, PeerResponse } from '../../transport/port.ts';
import type { Agreement } from '../agreement/port.ts';
import type { Log } from '../log.ts';
import type { NodePaths } from '../node-files.ts';
import type { InstanceSettings, NodeSettings } from '../settings.ts';
import { foreignRoutes } from './foreign-routes.ts';
import { LeaseKeeper } from './lease-keeper.ts';
import { NameResolver } from './name-resolver.ts';
import { createDoctor } from './network-doctor.ts';
import { Networking } from './networking.ts';
import type { TaskNetwork } from './task-network.ts';
import { TaskNetworks } from './task-networks.ts';
import { INNER_RANGE } from './special-blocks.ts';

export interface CreateNetworkingOptions {
  readonly paths: NodePaths;
  readonly store: Store;
  readonly settings: NodeSettings;
  readonly instance: InstanceSettings;
  readonly node: CoreNode;
  readonly engine: Pick<Engine, 'place'>;
  readonly agreement: Pick<Agreement, 'state' | 'service'>;
  readonly command: (command: Command) => Promise<Result>;
  readonly request: (peer: NodeId, request: PeerRequest) => Promise<PeerResponse>;
  readonly log: Log;
}

/** Builds what networks are made of, and joins it. */
export function createNetworking(options: CreateNetworkingOptions): {
  readonly networking: Networking;
  readonly overlay: Network;
  readonly doctor: Doctor;
} {
  const { paths, settings, store, instance, node, engine, agreement, command, request, log } = options;
  const { state } = agreement;
  const id = shortId(settings.nodeId);
  const overlay = new OverlayNetwork({ runDir: paths.runDir, shortId: id, log });
  const leases = new LeaseKeeper({ self: settings.nodeId, state, store, request, log, nodes: () => node.members() });
  const tasks = new TaskNetworks(paths.runDir);
  const serversOf = (container: Container['request']['containerId']) => {
    const known = node.container(container);
    return known === undefined ? [] : specOf(known).dns.servers;
  };
  const dns = createDnsServer({
    names: new NameResolver({ state, tasks, command, serversOf, linksOf: (container) => networking.linksOf(container) }),
    log: (level, message) => log(level, message),
  });
  const ours = new Names(id).devices;
  const doctor = createDoctor({
    shortId: id,
    node,
    vxlanPort: instance.vxlanPort,
    innerRange: INNER_RANGE,
    drift: () => overlay.drift(),
    nameProblems: () => dns.problems(),
    overlaps: () => networking.overlaps(),
    removed: () => state.nodes().flatMap((each) => (each.state === 'in' ? [] : [each.id])),
    agreement: () => agreement.service,
    request,
  });
  const networking: Networking = new Networking({
    tasks,
    store,
    network: overlay,
    leases,
    state,
    node,
    engine,
    vxlanPort: instance.vxlanPort,
    innerRange: INNER_RANGE,
    foreignRoutes: () => foreignRoutes(ours),
    filesFor: (container, spec, task) => filesFor(container, spec, task, (network) => state.network(network)),
    dns,
    doctor: () => doctor.examine(),
    command,
    request,
    log,
    wallMs: () => Date.now(),
  });
  return { networking, overlay, doctor };
}

function filesFor(
  container: Container,
  spec: ContainerSpec,
  task: TaskNetwork,
  agreedOf: (network: AgreedNetwork['id']) => AgreedNetwork | undefined,
): { readonly resolvConf: string; readonly hosts: string } {
  const first = task.endpoints[0];
  const outward = task.endpoints.find(({ isDefaultRoute }) => isDefaultRoute);
  const gatewayOf = (endpoint: typeof first) => {
    const agreed = endpoint === undefined ? undefined : agreedOf(endpoint.network);
    return agreed === undefined ? undefined : formatIpv4(agreed.gateway);
  };
  const { search, options } = spec.dns;
  const name = spec.hostname === '' ? shortId(container.request.containerId) : spec.hostname;
  const domain = spec.domainname ?? '';
  return {
    resolvConf: resolvConf({
      gateway: gatewayOf(outward ?? first) ?? '127.0.0.1',
      search: search.length > 0 ? search : hostSearch(),
      options,
    }),
    hosts: hostsFile({
      hostname: domain === '' ? name : `${name}.${domain}`,
      addresses: task.endpoints.map(({ address }) => formatIpv4(address)),
      extraHosts: spec.extraHosts,
      hostGateway: gatewayOf(outward),
    }),
  };
}

const specOf = (container: Container): ContainerSpec => JSON.parse(container.request.spec) as ContainerSpec;
