import type { ContainerId, NetworkId } from '../../core/model/index.ts';
import { ArpSocket } from '../../linux/arp-socket.ts';
import { linkIndex } from '../../linux/link.ts';
import { NftSocket } from '../../linux/nftables/nft-socket.ts';
import { deleteRoute, MAIN_TABLE, OUR_PROTOCOL } from '../../linux/rtnetlink/routes.ts';
import { RouteSocket } from '../../linux/rtnetlink/route-socket.ts';
import { hasCode } from '../../linux/system-error.ts';
import type { Attached, HostNetworks, Network, NetworkOnHost } from '../port.ts';
import { endpointOfAlias, Endpoints, type HeldEndpoint, isAsAsked, macOf } from './endpoints.ts';
import { DockerUser } from './firewall/docker-user.ts';
import { Firewall } from './firewall/firewall.ts';
import { othersForward } from './firewall/others-forward.ts';
import { UdpFlows } from './firewall/udp-flows.ts';
import { IpForward } from './ip-forward.ts';
import { gatewayMac, Names, portAlias } from './names.ts';
import { Namespaces } from './namespaces.ts';
import { mtuOn, Plan } from './plan.ts';
import { leadOut, plugIn, resize } from './plug.ts';
import { readLinks } from './read-kernel.ts';
import { type Drift, type NetworkLog, Reconciler } from './reconciler.ts';
import { ShortcutsInKernel } from './shortcuts/shortcuts-in-kernel.ts';
import { SysctlKeeper } from './sysctl-keeper.ts';
import { deviceSysctls } from './sysctls.ts';
import type { EndpointOnHost } from './wish.ts';

export interface OverlayOptions {
  /** Must not outlive a reboot. */
  readonly runDir: string;
  /** First 12 digits of the node's id: in all that is made in the kernel. */
  readonly shortId: string;
  readonly log: NetworkLog;
  /** A clock that never goes back; undefined: the process's. */
  readonly nowMs?: () => number;
  /** Between two looks at everything; undefined: 60 s. */
  readonly sweepMs?: number;
}

const SWEEP_MS = 60_000;
/** Names for a port are drawn; one may be another's, or that of the same container's last task, which the kernel still tears down. */
const NAME_ATTEMPTS = 8;

/**
 * The overlay in the network namespace of the daemon's process: see `Plan` for what it is, `Reconciler` for how it
 * stays so, `firewall/rules.ts` for who may talk to whom. Plugging a container in is apart from that: about a
 * millisecond of netlink while nothing else runs, and no child process.
 */
export class OverlayNetwork implements Network {
  readonly #names: Names;
  readonly #log: NetworkLog;
  readonly #namespaces: Namespaces;
  readonly #endpoints = new Endpoints();
  readonly #socket: RouteSocket;
  readonly #arp: ArpSocket;
  readonly #nft: NftSocket;
  readonly #firewall: Firewall;
  readonly #docker: DockerUser;
  readonly #flows = new UdpFlows();
  readonly #shortcuts: ShortcutsInKernel;
  readonly #sysctls = new SysctlKeeper();
  readonly #ipForward: IpForward;
  readonly #reconciler: Reconciler;
  #state: HostNetworks | undefined;
  #plan: Plan | undefined;

  /** Takes over what an earlier daemon of this node left; changes nothing yet. @throws SystemError */
  constructor({ runDir, shortId, log, nowMs = () => performance.now(), sweepMs = SWEEP_MS }: OverlayOptions) {
    this.#names = new Names(shortId);
    this.#log = log;
    this.#namespaces = new Namespaces(runDir);
    this.#socket = RouteSocket.open();
    this.#arp = new ArpSocket();
    this.#nft = new NftSocket();
    this.#firewall = new Firewall(this.#names, this.#nft);
    this.#docker = new DockerUser(this.#names, this.#nft);
    this.#shortcuts = new ShortcutsInKernel({ names: this.#names, nft: this.#nft, log, indexOf });
    this.#ipForward = new IpForward(runDir);
    for (const { name, alias } of readLinks(this.#socket, this.#names).values()) {
      const onHost = name.startsWith(this.#names.ports) ? endpointOfAlias(name, alias, this.#names) : undefined;
      if (onHost !== undefined) this.#endpoints.set({ asked: undefined, onHost });
    }
    this.#reconciler = new Reconciler({
      names: this.#names,
      socket: this.#socket,
      firewall: this.#firewall,
      docker: this.#docker,
      flows: this.#flows,
      shortcuts: this.#shortcuts,
      sysctls: this.#sysctls,
      ipForward: this.#ipForward,
      inside: { plugIn: (port) => this.#plugInAgain(port), resize: (port, mtu) => this.#resize(port, mtu) },
      log,
      nowMs,
      sweepMs,
    });
  }

  makeNamespace(id: ContainerId): Promise<string> {
    return this.#namespaces.make(id);
  }

  async removeNamespace(id: ContainerId): Promise<void> {
    const gone = this.#endpoints.all().filter(({ onHost }) => onHost.container === id);
    for (const { onHost } of gone) this.#forget(onHost);
    // Its interfaces go with it, and faster than one by one.
    await this.#namespaces.remove(id);
    for (const { onHost } of gone) this.#tellNeighbours(onHost);
  }

  want(state: HostNetworks): void {
    this.#state = state;
    this.#plan = new Plan(state, this.#names);
    for (const { onHost } of this.#endpoints.all()) this.#plan.put(onHost);
    this.#reconciler.want(this.#plan, { vxlanPort: state.vxlanPort, innerRange: state.innerRange });
  }

  async settled(networks?: readonly NetworkId[]): Promise<void> {
    await this.#reconciler.flush();
    const { failure } = this.#reconciler;
    if (failure === undefined) return;
    if (networks === undefined) throw failure;
    const inTheWay = networks.map((id) => failure.of(id)).find((words) => words !== undefined);
    if (inTheWay !== undefined) throw new Error(inTheWay, { cause: failure });
  }

  async attach(endpoint: Attached): Promise<void> {
    this.#networkOf(endpoint.network);
    if (!this.#namespaces.isThere(endpoint.container)) {
      throw new Error(`container ${endpoint.container} has no network namespace yet: make it first`);
    }
    await this.#reconciler.flush();
    const held = this.#endpoints.get(endpoint.container, endpoint.network);
    if (held !== undefined) {
      if (isAsAsked(held, endpoint)) {
        this.#endpoints.set({ ...held, asked: endpoint });
        return;
      }
      if (endpoint.isDefaultRoute && isAsAsked(held, { ...endpoint, isDefaultRoute: false })) {
        // Its connections live on.
        leadOut(this.#namespaces.pathOf(endpoint.container), endpoint.interfaceName, this.#networkOf(endpoint.network).gateway);
        this.#endpoints.set({ ...held, asked: endpoint });
        return;
      }
      await this.detach(endpoint.container, endpoint.network);
    }
    const port = this.#freePort(endpoint);
    const onHost = { container: endpoint.container, network: endpoint.network, address: endpoint.address, mac: macOf(endpoint), port };
    const wanted = { asked: endpoint, onHost };
    try {
      if (!this.#holds(wanted)) {
        await this.#reconciler.reload();
        this.#hold(wanted);
      }
      // At once: a pass between would find it missing.
      this.#plugIn(endpoint, onHost);
      this.#shorten();
    } catch (error) {
      this.#forget(onHost);
      await this.#deletePort(port);
      throw error;
    }
  }

  async detach(container: ContainerId, network: NetworkId): Promise<void> {
    const held = this.#endpoints.get(container, network);
    if (held === undefined) return;
    this.#forget(held.onHost);
    await this.#deletePort(held.onHost.port);
    this.#tellNeighbours(held.onHost);
  }

  async recover(known: (id: ContainerId) => boolean, endpoints: readonly Attached[]): Promise<void> {
    await this.#namespaces.keepOnly(known);
    const told = new Set(endpoints.map(({ container, network }) => `${container} ${network}`));
    for (const { onHost } of this.#endpoints.all()) {
      if (!told.has(`${onHost.container} ${onHost.network}`)) await this.detach(onHost.container, onHost.network);
    }
    for (const endpoint of endpoints) {
      const held = this.#endpoints.get(endpoint.container, endpoint.network);
      if (held !== undefined && isAsAsked(held, endpoint)) {
        this.#endpoints.set({ ...held, asked: endpoint });
        continue;
      }
      try {
        await this.attach(endpoint);
      } catch (error) {
        // The others must not go without for it.
        this.#log('error', 'a running container could not be plugged in again: it is off this network until it is started again', {
          container: endpoint.container,
          network: endpoint.network,
          error: String(error),
        });
      }
    }
  }

  /** Nothing waits for shortcuts but who looks at them. */
  shortened(): Promise<void> {
    this.#shorten();
    return this.#shortcuts.settled();
  }

  /** For the doctor: what others changed and what was done about it. */
  drift(): Drift {
    return this.#reconciler.drift();
  }

  async close(): Promise<void> {
    await this.#reconciler.close();
    await this.#shortcuts.close();
    this.#socket.close();
    this.#arp.close();
    this.#nft.close();
    this.#flows.close();
  }

  async removeAll(): Promise<void> {
    this.#reconciler.wantNothing();
    await this.#reconciler.flush();
    for (const { onHost } of this.#endpoints.all()) this.#endpoints.delete(onHost);
    const plan = this.#plan;
    this.#state = undefined;
    this.#plan = undefined;
    // One that can't be done is no reason to leave the others.
    const errors: unknown[] = [];
    for (const step of [
      () => this.#namespaces.keepOnly(() => false),
      () => this.#socket.deleteLinks([...readLinks(this.#socket, this.#names).values()].map(({ index }) => index)),
      () => this.#removeRoutes(),
      () => this.#docker.removeAll(),
      () => this.#shortcuts.removeAll(),
      () => this.#firewall.removeAll(),
      () => this.#flows.forget(plan?.subnets ?? []),
      () => this.#ipForward.restore(othersForward),
    ]) {
      await (async () => step())().catch((error: unknown) => errors.push(error));
    }
    if (errors.length > 0) throw errors[0];
  }

  /** Those without a device: the others have gone with it. */
  async #removeRoutes(): Promise<void> {
    const ours = this.#socket
      .routes(MAIN_TABLE)
      .filter(({ protocol, metric }) => protocol === OUR_PROTOCOL && metric === this.#names.metric);
    await this.#socket.background(ours.map(deleteRoute));
  }

  #networkOf(id: NetworkId): NetworkOnHost {
    const network = this.#state?.networks.find((each) => each.id === id);
    if (network === undefined) throw new Error(`network ${id} is not on this host: it must be wanted before a container is plugged in`);
    return network;
  }

  /** The rules know it before the first frame, and what is wanted before the first news. */
  #hold(held: HeldEndpoint): void {
    this.#endpoints.set(held);
    const elements = this.#plan?.put(held.onHost);
    if (elements !== undefined) this.#firewall.add(elements);
  }

  /** Whether it could: not where somebody has just flushed the rules. */
  #holds(held: HeldEndpoint): boolean {
    try {
      this.#hold(held);
      return true;
    } catch {
      this.#forget(held.onHost);
      return false;
    }
  }

  #shorten(): void {
    if (this.#plan !== undefined) this.#shortcuts.want(this.#plan.shortcuts());
  }

  #forget(onHost: EndpointOnHost): void {
    this.#reconciler.leaves(onHost.port);
    this.#endpoints.delete(onHost);
    const elements = this.#plan?.drop(onHost);
    if (elements !== undefined) this.#firewall.remove(elements);
    this.#shorten();
  }

  /**
   * Who has talked to a container here knows its MAC, and would go on sending there for half a minute, though the
   * address may be another host's by then: the gateway knows where it is, or that it is nowhere.
   */
  #tellNeighbours({ network: id, address }: EndpointOnHost): void {
    const network = this.#state?.networks.find((each) => each.id === id);
    const bridge = network === undefined ? undefined : indexOf(this.#names.bridge(network.vni));
    if (network === undefined || bridge === undefined) return;
    try {
      this.#arp.announce(bridge, address, gatewayMac(network.gateway));
    } catch (error) {
      // On a bridge that is down or gone nobody sends.
      if (!hasCode(error, 'ENXIO', 'ENETDOWN')) throw error;
    }
  }

  #plugIn(endpoint: Attached, onHost: EndpointOnHost): void {
    const network = this.#networkOf(endpoint.network);
    plugIn(this.#socket, {
      netns: this.#namespaces.pathOf(endpoint.container),
      port: onHost.port,
      alias: portAlias(this.#names, onHost),
      bridge: this.#bridgeOf(network),
      interfaceName: endpoint.interfaceName,
      mac: onHost.mac,
      mtu: mtuOn(network, this.#stateNow()),
      address: endpoint.address,
      prefix: network.subnet.prefix,
      gateway: endpoint.isDefaultRoute ? network.gateway : undefined,
    });
    for (const [path, value] of deviceSysctls(onHost.port)) this.#sysctls.set(path, value);
  }

  /** A reconciler's step: somebody took the host's end away, and with it the container's. */
  #plugInAgain(port: string): void {
    const held = this.#endpoints.onPort(port);
    if (held?.asked === undefined) throw new Error(`interface ${port} is gone, and how it was is not known yet`);
    this.#plugIn(held.asked, held.onHost);
  }

  #resize(port: string, mtu: number): void {
    const held = this.#endpoints.onPort(port);
    if (held !== undefined) resize(this.#socket, this.#namespaces.pathOf(held.onHost.container), port, mtu);
  }

  #bridgeOf({ id, name, vni }: NetworkOnHost): number {
    try {
      return linkIndex(this.#names.bridge(vni));
    } catch (error) {
      const why = this.#reconciler.failure?.of(id) ?? (error instanceof Error ? error.message : String(error));
      throw new Error(`network ${name} is not up on this host: ${why}`, { cause: error });
    }
  }

  #freePort({ container, network }: Attached): string {
    for (let attempt = 0; attempt < NAME_ATTEMPTS; attempt += 1) {
      const name = this.#names.port(container, network, attempt);
      if (indexOf(name) === undefined) return name;
    }
    throw new Error(`container ${container} has left ${NAME_ATTEMPTS} interfaces behind on network ${network}: see ip -details link`);
  }

  async #deletePort(port: string): Promise<void> {
    const index = indexOf(port);
    if (index !== undefined) await this.#socket.deleteLinks([index]);
  }

  #stateNow(): HostNetworks {
    if (this.#state === undefined) throw new Error('no networks are wanted on this host');
    return this.#state;
  }
}

/** undefined: there is no such device. */
function indexOf(name: string): number | undefined {
  try {
    return linkIndex(name);
  } catch (error) {
    if (hasCode(error, 'ENODEV', 'ENXIO')) return undefined;
    throw error;
  }
}
