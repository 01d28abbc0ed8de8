import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createApi } from '../api/create-api.ts';
import { type ContainerId, type InstanceId, type Message, type NodeId, type Observation, shortId } from '../core/model/index.ts';
import { lastIncarnation } from '../core/node/incarnation.ts';
import { Node } from '../core/node/node.ts';
import type { NodeConfig } from '../core/node/port.ts';
import { createOciEngine } from '../engine/oci/create-oci-engine.ts';
import { OciImages } from '../engine/oci/images/oci-images.ts';
import type { RuntimeName } from '../engine/oci/runtime.ts';
import type { Recovered } from '../engine/port.ts';
import { Prng } from '../lib/prng.ts';
import { DOCTOR_PATH } from '../network/doctor/doctor.ts';
import { SqliteStore } from '../store/sqlite/sqlite-store.ts';
import { createTransport } from '../transport/node-transport.ts';
import { checkGossipKeys } from '../transport/trust/gossip-keys.ts';
import { createSigner } from '../transport/trust/signer.ts';
import { AddressWatch } from './address-watch.ts';
import { createAgreement } from './agreement/agreement.ts';
import { AGREEMENT_PATH } from './agreement/port.ts';
import { createBackend } from './backend.ts';
import { serveBlob } from './blob-server.ts';
import { CoreLoop } from './core-loop.ts';
import { currentAddress, hasMoved } from './current-address.ts';
import { logEvent } from './event-log.ts';
import { hostArch, hostCapacity, hostVariant, kernelVersion, mtuOf, operatingSystem } from './host-facts.ts';
import { EXCHANGE_PATH, NodeImageExchange } from './image-exchange.ts';
import { leave } from './leave.ts';
import type { Log } from './log.ts';
import { MemberKeeper } from './member-keeper.ts';
import { createNetworking } from './networking/create-networking.ts';
import { serveDoctor } from './networking/network-doctor.ts';
import { NETWORK_PATH, type Networking } from './networking/networking.ts';
import { isNode, type NodePaths, readCredentials } from './node-files.ts';
import { performOrder } from './orders.ts';
import { BLOBS_PATH } from './peer-blobs.ts';
import { RecordWriter } from './record-writer.ts';
import { DOCUMENTS, type InstanceSettings, type NodeSettings } from './settings.ts';
import { RemovedMembers } from './removed-members.ts';
import { stopContainers } from './stop-containers.ts';
import { VERSION } from './version.ts';
import { NodeVolumes } from './volumes.ts';

export interface DaemonOptions {
  readonly paths: NodePaths;
  readonly log: Log;
  /** The OCI runtime that the configuration prefers. */
  readonly runtime: RuntimeName | undefined;
  /** The core broke one of its rules: the process must end; containers run on. */
  onAssertion(error: unknown): void;
  /** The node left its instance: there is nothing more to do. */
  onLeft(): void;
  /** The host has another address now: close this daemon and start it again, and it serves there. */
  onMoved(): void;
}

export interface Daemon {
  /** Stops serving; containers run on, unless the host goes down. */
  close(options: { readonly stopContainers: boolean }): Promise<void>;
}

/** The composition root: builds every adapter, recovers what the last run left, and connects it all to the core. */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const { paths, log } = options;
  if (!isNode(paths)) {
    throw new Error(`there is no node in ${paths.dataDir}: make an instance with "caravela create", or join one with "caravela join"`);
  }
  mkdirSync(paths.runDir, { recursive: true, mode: 0o755 });
  const store = new SqliteStore(paths.state);
  const { settings, bindIp } = await currentAddress(store, log);
  const instance = store.document(DOCUMENTS.instance) as InstanceSettings;
  const gossipKeys = checkGossipKeys(store.document(DOCUMENTS.gossipKeys));
  const credentials = readCredentials(paths);
  writeFileSync(paths.pid, `${process.pid}\n`);

  // What the last run left: containers first, so that nothing is admitted before they are counted.
  const images = new OciImages({
    dataDir: paths.dataDir,
    insecureRegistries: () => instance.insecureRegistries,
    platform: { os: 'linux', architecture: hostArch(), variant: hostVariant() },
    log: (message) => log('info', message),
  });
  const engine = await createOciEngine({
    dataDir: paths.dataDir,
    runDir: paths.runDir,
    nodeShortId: shortId(settings.nodeId),
    images,
    runtime: options.runtime,
    log,
  });
  const early: Observation[] = [];
  let observe = (observation: Observation): void => void early.push(observation);
  // A container may end before what it has of its networks is known again.
  const networked = Promise.withResolvers<Pick<Networking, 'release'>>();
  engine.onExit((exit) => {
    // What could not be taken away now is taken away by the next release, or by recover.
    const failed = (error: unknown) =>
      log('warn', 'the network of a container that ended could not be taken away', { container: exit.containerId, error: String(error) });
    void networked.promise
      .then((networks) => networks.release(exit.containerId))
      .catch(failed)
      .then(() => observe({ kind: 'exited', ...exit }));
  });
  const containers = store.containers();
  const ids = new Set(containers.map((container) => container.request.containerId));
  const known = (id: ContainerId) => ids.has(id);
  const recovered = await engine.recover(known);

  const node = new Node(nodeConfig(settings), {
    incarnation: lastIncarnation(store.incarnation(), Date.now()),
    members: store.members(),
    containers,
    tombstones: store.tombstones(),
    running: recovered.filter((each): each is Recovered & { state: 'running' } => each.state === 'running'),
    exited: recovered.flatMap((each) => (each.state === 'exited' ? [{ kind: 'exited' as const, ...each.exit }] : [])),
  });

  const signer = createSigner();
  const agreement = createAgreement({
    paths,
    store,
    settings,
    instance,
    credentials,
    gossipKeys,
    signer,
    log,
    members: () => node.members(),
    request: (peer, request) => transport.request(peer, request),
    disconnect: (id) => transport.disconnect(id),
    onGossipKeys: (keys) => transport.updateKeys(keys),
    onVersion: (version) => void loop.command({ kind: 'agreed', version }),
    onRemoved: () => log('error', 'this node was removed from its instance: take it out with "caravela leave --force"', {}),
  });
  const { networking, overlay, doctor } = createNetworking({
    paths,
    store,
    settings,
    instance,
    node,
    engine,
    agreement,
    command: (command) => loop.command(command),
    request: (peer, request) => transport.request(peer, request),
    log,
  });
  const running = new Set(recovered.flatMap((each) => (each.state === 'running' ? [each.containerId] : [])));
  await networking.recover((id) => running.has(id));
  networked.resolve(networking);

  let isStarted = false;
  const transport = await createTransport(
    {
      nodeId: settings.nodeId,
      instanceId: instance.instanceId as InstanceId,
      credentials,
      gossipKeys: agreement.gossipKeys(),
      bindIp,
      controlPort: settings.address.controlPort,
      gossipPort: settings.address.gossipPort,
      isRevoked: (id) => agreement.isRevoked(id),
    },
    {
      addressOf: (id: NodeId) => node.member(id)?.address,
      // Ports open before the core has counted what runs here: until then nothing may be admitted. Peers ask again.
      onMessage: (from: NodeId, message: Message) => {
        if (isStarted) loop.receive(from, message);
      },
      onRefused: (_peer, why) => agreement.refused(why),
      onUnopened: (claimed) => agreement.unopened(claimed),
      log,
    },
  );

  const exchange = new NodeImageExchange({
    images: engine.images,
    self: () => settings.nodeId,
    members: () => node.members(),
    request: (peer, request) => transport.request(peer, request),
    nowMs: () => performance.now(),
  });
  const volumes = new NodeVolumes({
    self: settings.nodeId,
    here: engine.volumes,
    agreed: agreement.state,
    nameOf: (id) => node.member(id)?.name ?? shortId(id),
    wallMs: () => Date.now(),
    log,
  });
  const removed = new RemovedMembers({
    members: () => node.members(),
    isRemoved: (id) => agreement.isRevoked(id),
    receive: (from, message) => loop.receive(from, message),
  });
  const keeper = new MemberKeeper(store, () => node.members(), log);
  const records = new RecordWriter(store);
  const loop: CoreLoop = new CoreLoop(
    node,
    {
      send: (to, message) => transport.send(to, message),
      perform: (order) =>
        performOrder(
          {
            log,
            store,
            records,
            engine,
            networking,
            container: (id) => node.container(id),
            claimVolumes: (_id, spec) => volumes.claimAll(spec),
            settleVolumes: (spec) => volumes.settleAll(spec),
            sourcesFor: (id, spec) => exchange.sourcesFor(id, spec, node.container(id)?.buyer),
          },
          order,
        ),
      onEvent: (event) => {
        logEvent(log, event);
        keeper.see(event);
        removed.see(event);
        agreement.see(event);
        networking.see(event);
        backend.tell(event);
      },
      nowMs: () => performance.now(),
      wallMs: () => Date.now(),
      onAssertion: (error) => options.onAssertion(error),
    },
    new Prng(randomBytes(4).readUInt32LE()),
  );

  const capacity = hostCapacity();
  const backend = createBackend({
    version: VERSION,
    instance: { ...instance },
    host: {
      kernelVersion: kernelVersion(),
      operatingSystem: operatingSystem(),
      architecture: hostArch(),
      cpus: Math.floor(capacity.cpuMillicores / 1000),
      memoryBytes: capacity.memoryBytes,
      dataDir: paths.dataDir,
      runDir: paths.runDir,
      startedAtMs: Date.now(),
      engineName: engine.description.name,
      engineVersion: engine.description.version,
      cgroupVersion: engine.description.cgroupVersion,
      seccomp: engine.description.seccomp,
    },
    node,
    loop,
    engine,
    transport,
    exchange,
    volumes,
    tokens: agreement.tokens,
    networks: networking.service,
    agreement: agreement.service,
    isRemoved: (id) => agreement.isRevoked(id),
    log,
    leave: ({ force }) =>
      leave({ paths, node, loop, log, agreement, removeNetworks, close: shutDown, onLeft: () => options.onLeft() }, force),
  });
  const api = await createApi(backend);

  transport.onPeerRequest((peer, request, response) => {
    const path = request.url;
    if (path.startsWith('/api/')) api.routeFromPeer(request, response);
    else if (path.startsWith(AGREEMENT_PATH)) agreement.servePeer(peer, request, response);
    else if (path.startsWith(DOCTOR_PATH)) void serveDoctor(doctor, peer, request, response);
    else if (path.startsWith(NETWORK_PATH)) void networking.servePeer(peer, request, response);
    else if (path.startsWith(BLOBS_PATH)) void serveBlob(exchange.blobs, path.slice(BLOBS_PATH.length), request, response);
    else if (path.startsWith(EXCHANGE_PATH)) exchange.serve(peer, path, response);
    else {
      log('warn', 'a peer asked for an unknown path', { peer: shortId(peer), path });
      response.writeHead(404).end();
    }
  });
  transport.onJoin(agreement.joinHost);

  observe = (observation) => loop.observe(observation);
  loop.start();
  isStarted = true;
  removed.look();
  agreement.state.onChange(({ nodes, all }) => (nodes || all ? removed.look() : undefined));
  for (const observation of early) loop.observe(observation);
  await agreement.start();
  await networking.start();
  await api.listen(paths.socket);
  log('info', 'node is up', {
    node: settings.name,
    id: shortId(settings.nodeId),
    instance: instance.instanceId.slice(0, 12),
    ip: settings.address.ip,
    engine: `${engine.description.name} ${engine.description.version}`,
    containers: containers.length,
  });

  const otherAddresses = () => node.members().flatMap((member) => (member.id === settings.nodeId ? [] : [member.address.ip]));
  const watch = new AddressWatch(
    () => hasMoved(settings, otherAddresses()),
    () => options.onMoved(),
    log,
  );

  async function removeNetworks(): Promise<void> {
    await networking.close();
    await overlay.removeAll();
  }

  let closing: Promise<void> | undefined;
  function shutDown(): Promise<void> {
    closing ??= (async () => {
      watch.close();
      loop.close();
      doctor.close();
      await networking.close();
      await api.close();
      await agreement.close();
      await transport.close();
      await overlay.close();
      await engine.close();
      keeper.close();
      records.flush();
      store.close();
      rmSync(paths.socket, { force: true });
      rmSync(paths.pid, { force: true });
    })();
    return closing;
  }
  const close: Daemon['close'] = async (ending) => {
    watch.close();
    loop.close();
    if (ending.stopContainers) await stopContainers(engine, node.containers(), log);
    await shutDown();
  };
  return { close };
}

function nodeConfig(settings: NodeSettings): NodeConfig {
  const host = hostCapacity();
  return {
    profile: 'lan',
    self: {
      id: settings.nodeId,
      name: settings.name,
      number: settings.number,
      address: settings.address,
      class: settings.class,
      arch: hostArch(),
      labels: settings.labels,
      capacity: {
        cpuMillicores: Math.max(0, Math.floor((host.cpuMillicores - settings.reserveCpuMillicores) * settings.overcommit)),
        memoryBytes: Math.max(0, Math.floor((host.memoryBytes - settings.reserveMemoryBytes) * settings.overcommit)),
      },
      underlayMtu: mtuOf(settings.address.ip),
      version: VERSION,
      draining: false,
    },
  };
}
