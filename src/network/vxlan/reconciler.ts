import { assertNever } from '../../lib/assert.ts';
import { formatCidr } from '../../lib/ipv4.ts';
import { watchKernel } from '../../linux/kernel-watch.ts';
import type { KernelEvent } from '../../linux/kernel-event.ts';
import type { RouteSocket } from '../../linux/rtnetlink/route-socket.ts';
import { apply, type InsideContainers } from './apply.ts';
import { contradicts, type Suspicion } from './contradicts.ts';
import { difference, type Operation } from './difference.ts';
import type { DockerUser } from './firewall/docker-user.ts';
import type { Firewall } from './firewall/firewall.ts';
import type { RuleOptions } from './firewall/rules.ts';
import type { UdpFlows } from './firewall/udp-flows.ts';
import type { IpForward } from './ip-forward.ts';
import { type FailedStep, KernelFailure } from './kernel-failure.ts';
import type { Names } from './names.ts';
import type { Plan } from './plan.ts';
import { type KernelSeen, readKernel, readLinks } from './read-kernel.ts';
import type { ShortcutsInKernel } from './shortcuts/shortcuts-in-kernel.ts';
import type { SysctlKeeper } from './sysctl-keeper.ts';

export type NetworkLog = (level: 'debug' | 'info' | 'warn' | 'error', message: string, facts?: Readonly<Record<string, unknown>>) => void;

/** What was found changed by others and set right since the daemon's start. */
export interface Drift {
  readonly repairs: number;
  /** What the last repair did, in words; [] where there was none. */
  readonly last: readonly string[];
  /** Why the kernel hasn't what is wanted; undefined: it has. */
  readonly failure: string | undefined;
}

export interface ReconcilerParts {
  readonly names: Names;
  readonly socket: RouteSocket;
  readonly firewall: Firewall;
  readonly docker: DockerUser;
  readonly flows: UdpFlows;
  readonly shortcuts: ShortcutsInKernel;
  readonly sysctls: SysctlKeeper;
  readonly ipForward: IpForward;
  readonly inside: InsideContainers;
  readonly log: NetworkLog;
  readonly nowMs: () => number;
  readonly sweepMs: number;
}

type Task = Suspicion | 'wish' | 'sweep';

/** Wishes that come closer together are one. */
const WISH_DELAY_MS = 10;
/** One hand's work, and one of ours, is seldom one event. */
const SUSPICION_DELAY_MS = 50;
/** What failed once is tried again at once: a device may have come or gone while we looked. */
const ATTEMPTS = 3;
const RETRY_MS = 1000;
const LONGEST_RETRY_MS = 30_000;
/** How long the kernel may take to tear a namespace down before its interfaces count as left over. */
const LEAVING_MS = 5000;

/**
 * Makes the kernel have what is wanted, and keeps it so (DESIGN §2.6): after each wish, after news that contradict it,
 * and by a sweep once a minute for what nobody tells of. One pass at a time: it looks, computes the difference, and
 * takes the steps, so that it neither needs to know who did what nor can be confused by its own work.
 */
export class Reconciler {
  readonly #parts: ReconcilerParts;
  readonly #watch: { close(): void };
  readonly #sweeps: NodeJS.Timeout;
  readonly #todo = new Set<Task>();
  /** Names of our devices by index, as last seen. */
  readonly #links = new Map<number, string>();
  /** Ports that are on their way out, and since when. */
  readonly #leaving = new Map<string, number>();
  #wish: { readonly plan: Plan; readonly options: RuleOptions } | undefined;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #failure: KernelFailure | undefined;
  #retry: NodeJS.Timeout | undefined;
  #retryMs = RETRY_MS;
  #repairs = 0;
  #lastRepair: readonly string[] = [];
  #isClosed = false;

  constructor(parts: ReconcilerParts) {
    this.#parts = parts;
    this.#watch = watchKernel(['links', 'addresses', 'routes', 'neighbours', 'settings', 'ipv6', 'nftables'], (event) =>
      this.#onEvent(event),
    );
    this.#sweeps = setInterval(() => this.#plan(['sweep'], 0), parts.sweepMs).unref();
  }

  want(plan: Plan, options: RuleOptions): void {
    this.#wish = { plan, options };
    this.#plan(['wish'], WISH_DELAY_MS);
  }

  /** Nothing is wanted any more, and what is there stays. */
  wantNothing(): void {
    this.#wish = undefined;
  }

  /** Ends when the kernel was brought to what is wanted, or could not: `failure` tells. */
  flush(): Promise<void> {
    if (this.#todo.size > 0) this.#start();
    return this.#running ?? Promise.resolve();
  }

  /** As `flush`, after a look at the rules: somebody's hand was in them just now. */
  reload(): Promise<void> {
    this.#plan(['firewall'], 0);
    return this.flush();
  }

  get failure(): KernelFailure | undefined {
    return this.#failure;
  }

  /** The interface is being taken away: what of it is still seen for a while is no drift. */
  leaves(port: string): void {
    this.#leaving.set(port, this.#parts.nowMs());
  }

  drift(): Drift {
    return { repairs: this.#repairs, last: this.#lastRepair, failure: this.#failure?.message };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#sweeps);
    clearTimeout(this.#timer);
    clearTimeout(this.#retry);
    this.#watch.close();
    await this.#running;
  }

  #plan(tasks: readonly Task[], afterMs: number): void {
    if (this.#isClosed || this.#wish === undefined) return;
    for (const task of tasks) this.#todo.add(task);
    // A pass that runs takes it on.
    if (this.#running !== undefined) return;
    this.#timer ??= setTimeout(() => this.#start(), afterMs);
  }

  #start(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#running === undefined && this.#todo.size > 0 && !this.#isClosed) this.#running = this.#run();
  }

  async #run(): Promise<void> {
    try {
      do {
        // What could not be had is wanted still, whatever this pass is for.
        const tasks = new Set<Task>([...this.#todo, ...(this.#failure === undefined ? [] : (['wish'] as const))]);
        this.#todo.clear();
        const failure = await this.#pass(tasks).catch((error: unknown) => KernelFailure.ofAll(error));
        if (failure === undefined) this.#succeeded();
        else this.#failed(failure);
      } while (this.#todo.size > 0 && !this.#isClosed);
    } finally {
      // In one go with the look at what there is to do: what is wanted in a gap between would wait for the next news.
      this.#running = undefined;
    }
  }

  #succeeded(): void {
    this.#failure = undefined;
    this.#retryMs = RETRY_MS;
    clearTimeout(this.#retry);
    this.#retry = undefined;
  }

  #failed(failure: KernelFailure): void {
    if (this.#failure?.message !== failure.message) {
      this.#parts.log('error', 'the kernel does not take what the networks need; it is tried again', { error: failure.message });
    }
    this.#failure = failure;
    // One that is to come does for all.
    if (this.#retry !== undefined) return;
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      this.#plan(['wish', 'sweep'], 0);
    }, this.#retryMs).unref();
    this.#retryMs = Math.min(this.#retryMs * 2, LONGEST_RETRY_MS);
  }

  /** What of single networks could not be done. @throws Error what all networks need */
  async #pass(tasks: ReadonlySet<Task>): Promise<KernelFailure | undefined> {
    const wish = this.#wish;
    if (wish === undefined) return undefined;
    const { firewall, docker, shortcuts, sysctls, ipForward } = this.#parts;
    const repaired: string[] = [];
    const isSweep = tasks.has('sweep');
    // Rules first: what comes up is under them at once.
    if ((tasks.has('firewall') || isSweep) && !firewall.verify()) repaired.push('nftables rules');
    await firewall.apply(wish.plan.firewall, wish.options);
    this.#followPorts(wish.plan);
    // Whatever becomes of the rest: they must not lead where routes lead no more.
    const { done, failed } = await this.#passKernel(wish.plan, tasks).finally(() => shortcuts.want(wish.plan.shortcuts()));
    if ((tasks.has('shortcuts') || isSweep) && !shortcuts.verify()) repaired.push('shortcuts between hosts');
    if (isSweep) shortcuts.tryAgain();
    if (isSweep) sysctls.forgetAll();
    ipForward.remember();
    const settings = await sysctls.apply(wish.plan.sysctls);
    if (!tasks.has('wish')) {
      repaired.push(...done);
      if (settings > 0) repaired.push(`${settings} kernel settings`);
    }
    if (isSweep || tasks.has('wish') || tasks.has('docker')) {
      const put = await docker.check();
      if (put > 0) this.#parts.log('info', 'put rules into DOCKER-USER that let our containers through', { rules: put });
    }
    if (repaired.length > 0) this.#tellRepairs(repaired);
    return failed.length === 0 ? undefined : KernelFailure.ofSteps(failed, wish.plan);
  }

  #followPorts({ firewall: wish, subnets }: Plan): void {
    const { flows, socket, log } = this.#parts;
    try {
      flows.follow({ wish, subnets, addresses: () => new Set(socket.addresses().map(({ address }) => address)) });
    } catch (error) {
      log('warn', 'clients of UDP ports that lead elsewhere now must pause before they get there', { error: String(error) });
    }
  }

  /** What was done, in words, and what could not be. */
  async #passKernel(
    plan: Plan,
    tasks: ReadonlySet<Task>,
  ): Promise<{ readonly done: readonly string[]; readonly failed: readonly FailedStep[] }> {
    const { socket, names, inside, sysctls } = this.#parts;
    const needsAll = tasks.has('wish') || tasks.has('kernel') || tasks.has('sweep');
    if (!needsAll && !(tasks.has('links') && this.#stepsTo(plan, linksOnly(plan, readLinks(socket, names))).length > 0)) {
      return { done: [], failed: [] };
    }
    const done: string[] = [];
    for (let attempt = 1; ; attempt += 1) {
      const seen = readKernel(socket, names);
      this.#remember(seen);
      const steps = this.#stepsTo(plan, seen);
      const failed = await apply(steps, socket, inside);
      for (const step of steps) if (step.do === 'make-link') sysctls.forget(step.link.name);
      done.push(...steps.map(describe));
      if (failed.length === 0 || attempt === ATTEMPTS) return { done, failed };
    }
  }

  #stepsTo(plan: Plan, seen: KernelSeen): readonly Operation[] {
    const now = this.#parts.nowMs();
    for (const [port, since] of this.#leaving) if (now - since > LEAVING_MS || plan.links.has(port)) this.#leaving.delete(port);
    return difference(plan, seen).filter((step) => !(step.do === 'delete-link' && this.#leaving.has(step.name)));
  }

  #remember({ links }: KernelSeen): void {
    this.#links.clear();
    for (const { index, name } of links.values()) this.#links.set(index, name);
  }

  #tellRepairs(repaired: readonly string[]): void {
    this.#repairs += repaired.length;
    this.#lastRepair = repaired.slice(0, 20);
    this.#parts.log('warn', 'somebody changed what the networks need in the kernel; it is as before', { repaired: this.#lastRepair });
  }

  #onEvent(event: KernelEvent): void {
    const { names, firewall, shortcuts, sysctls } = this.#parts;
    if (event.kind === 'link' && event.link.name.startsWith(names.devices)) {
      if (event.gone) this.#links.delete(event.link.index);
      else this.#links.set(event.link.index, event.link.name);
      if (this.#leaving.has(event.link.name)) return;
    }
    if (event.kind === 'nftables' && (event.family === 'netdev' ? shortcuts.isChanging : firewall.isOwnChange(event.port))) return;
    if (this.#wish === undefined) return;
    if (event.kind === 'lost') {
      sysctls.forgetAll();
      this.#plan(['kernel', 'settings', 'firewall', 'shortcuts', 'docker'], SUSPICION_DELAY_MS);
    }
    const suspicion = contradicts(event, this.#wish.plan, this.#links, names);
    if ((event.kind === 'settings' || event.kind === 'ipv6') && suspicion !== undefined) {
      sysctls.forget(event.device === 'all' ? 'all' : (this.#links.get(event.device) ?? ''));
    }
    if (suspicion !== undefined) this.#plan([suspicion], SUSPICION_DELAY_MS);
  }
}

/** As if all else were as wanted. */
const linksOnly = ({ addresses, routes, neighbours, fdb }: Plan, links: KernelSeen['links']): KernelSeen => ({
  links,
  addresses,
  routes,
  neighbours,
  fdb,
});

function describe(step: Operation): string {
  switch (step.do) {
    case 'make-link':
      return `${step.do} ${step.link.name}`;
    case 'change-tunnel':
      return `${step.do} ${step.link.name}`;
    case 'change-link':
    case 'delete-link':
      return `${step.do} ${step.name}`;
    case 'put-on-bridge':
    case 'set-port':
    case 'plug-in':
    case 'resize-port':
      return `${step.do} ${step.port}`;
    case 'add-address':
    case 'delete-address':
      return `${step.do} of ${step.address.link}`;
    case 'put-route':
    case 'delete-route':
      return `${step.do} ${formatCidr(step.route.destination)}`;
    case 'put-neighbour':
    case 'delete-neighbour':
      return `${step.do} of ${step.neighbour.link}`;
    case 'put-fdb':
    case 'delete-fdb':
      return `${step.do} of ${step.entry.link}`;
    default:
      return assertNever(step);
  }
}
