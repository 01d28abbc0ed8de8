import type { ContainerInspect } from '../../../src/docker-api/types.ts';
import type { LabHost } from '../lab-host.ts';
import { PROBE_PORT } from '../packets/packet.ts';
import type { ProbeProcess } from '../packets/probe-process.ts';
import type { Calls, Ended } from './calls.ts';
import type { Journal } from './journal.ts';
import type { Box, Place, World } from './world.ts';

const MEMORY_BYTES = 8 * 1024 * 1024;
const CROWD = 40;
const NANO_CPUS = 5_000_000;

export interface DeedsParts {
  readonly world: World;
  readonly journal: Journal;
  readonly daemons: readonly Calls[];
  readonly probe: ProbeProcess;
  readonly image: string;
}

/** What users do, one call after the other: each does it at a daemon of its choice, and writes down what it was told. */
export class Deeds {
  readonly #parts: DeedsParts;
  /** How each kind ended, and why what was refused was. */
  readonly counts = new Map<string, number>();
  readonly reasons = new Map<string, number>();
  done = 0;

  constructor(parts: DeedsParts) {
    this.#parts = parts;
  }

  /** One of them, as there is room for it. */
  async any(): Promise<void> {
    const { world } = this.#parts;
    const chance = world.random.float();
    if (chance < 0.05) return this.#makeNet();
    if (chance < 0.08) return this.#removeNet();
    // As many come as go where there are CROWD of them.
    if (chance < 0.08 + 0.18 * (1 - world.boxes.size / (2 * CROWD))) return this.#run();
    if (chance < 0.26) return world.boxes.size * world.random.float() < CROWD / 4 ? undefined : this.#remove();
    if (chance < 0.33) return this.#move();
    if (chance < 0.38) return this.#stop();
    if (chance < 0.52) return this.#start();
    if (chance < 0.78) return this.#connect();
    return this.#disconnect();
  }

  async #makeNet(): Promise<void> {
    const { world } = this.#parts;
    const free = world.freeSubnet();
    if (free === undefined) return;
    const net = { ...free, id: '', state: 'unsure' as 'there' | 'unsure' | 'gone' };
    world.nets.push(net);
    const ended = await this.#call('network create', [free.name], 'POST', '/networks/create', {
      Name: free.name,
      IPAM: { Config: [{ Subnet: free.subnet }] },
    });
    if (ended.kind === 'done') Object.assign(net, { id: (JSON.parse(ended.body) as { Id: string }).Id, state: 'there' });
    else if (ended.kind !== 'unsure') world.forgetNet(net);
  }

  async #removeNet(): Promise<void> {
    const { world, journal } = this.#parts;
    const net = world.random.pick(world.netsThere());
    if (net === undefined) return;
    const usersOf = () => [...world.boxes].filter((box) => box.state === 'running' && !box.busy && box.nets.has(net.name));
    // Mostly one that nobody uses: what is used must be refused.
    if (usersOf().length > 0 && world.random.chance(0.8)) return;
    net.state = 'unsure';
    const ended = await this.#call('network rm', [net.name, net.id], 'DELETE', `/networks/${net.name}`);
    if (ended.kind === 'refused' || ended.kind === 'unsent') net.state = 'there';
    if (ended.kind !== 'done') return;
    world.forgetNet(net);
    for (const { name, id } of usersOf())
      journal.fault(`network ${net.name} was removed, and running ${name} is on it`, [net.name, name, id]);
  }

  async #run(): Promise<void> {
    const { world } = this.#parts;
    const { random } = world;
    const name = world.freeName();
    if (name === undefined) return;
    const nets = new Map<string, Place>();
    for (let i = random.chance(0.3) ? 2 : 1; i > 0; i--) {
      const net = world.anyNet();
      if (net !== undefined) nets.set(net, this.#placeIn(net, name));
    }
    if (nets.size === 0) nets.set('caravela', this.#placeIn('caravela', name));
    const port = random.chance(0.35) ? world.freePort() : undefined;
    await this.#place(name, random.int(this.#parts.daemons.length), nets, port);
  }

  #placeIn(net: string, name: string): Place {
    const { random } = this.#parts.world;
    const asked = net !== 'caravela' && random.chance(0.25) ? this.#parts.world.addressIn(net) : '';
    return { address: '', asked, aliases: random.chance(0.4) ? [`also-${name}`] : [] };
  }

  async #place(name: string, host: number, nets: Map<string, Place>, port: number | undefined): Promise<void> {
    const { world, daemons, image } = this.#parts;
    const askedOf = world.random.int(daemons.length);
    const box: Box = { name, id: '', host, askedOf, port, nets, openOn: undefined, state: 'unsure', busy: true };
    world.boxes.add(box);
    try {
      const configs = [...nets].map(([net, { asked, aliases }]) => [
        net,
        { Aliases: aliases, ...(asked === '' ? {} : { IPAMConfig: { IPv4Address: asked } }) },
      ]);
      const ended = await this.#call(
        'run',
        [name],
        'POST',
        `/containers/create?name=${name}`,
        {
          Image: image,
          Cmd: ['sleep', '100000'],
          StopSignal: 'SIGKILL',
          HostConfig: {
            NetworkMode: [...nets.keys()][0] ?? 'none',
            NanoCpus: NANO_CPUS,
            Memory: MEMORY_BYTES,
            ...(port === undefined ? {} : { PortBindings: { [`${PROBE_PORT}/udp`]: [{ HostIp: '', HostPort: String(port) }] } }),
          },
          NetworkingConfig: { EndpointsConfig: Object.fromEntries(configs) },
          Caravela: { Constraints: [`node==${daemons[host]?.host.name}`] },
        },
        askedOf,
      );
      if (ended.kind === 'refused' || ended.kind === 'unsent') return world.gone(box);
      if (ended.kind !== 'done') return;
      box.id = (JSON.parse(ended.body) as { Id: string }).Id;
      box.state = 'stopped';
      await this.publish();
      await this.#startBox(box, 'start of a run');
    } finally {
      box.busy = false;
    }
  }

  async #remove(): Promise<void> {
    const box = this.#parts.world.take(({ state }) => state !== 'unsure');
    if (box === undefined) return;
    await this.#removeBox(box, 'rm');
    box.busy = false;
  }

  /** Elsewhere, with the name, the addresses and the port that it had. */
  async #move(): Promise<void> {
    const { world, daemons } = this.#parts;
    // On no network nothing can be published.
    const box = world.take(({ state, nets }) => state === 'running' && nets.size > 0);
    if (box === undefined) return;
    const nets = new Map(
      [...box.nets].map(([net, place]) => [net, { ...place, address: '', asked: net === 'caravela' ? '' : place.address }]),
    );
    const own = [box.name, ...(box.port === undefined ? [] : [box.port])];
    for (const each of own) world.moving.add(each);
    if (await this.#removeBox(box, 'rm of a move')) await this.#place(box.name, world.random.int(daemons.length), nets, box.port);
    else box.busy = false;
    for (const each of own) world.moving.delete(each);
  }

  async #removeBox(box: Box, what: string): Promise<boolean> {
    const ended = await this.#call(what, [box.name, box.id], 'DELETE', `/containers/${box.id}?force=1`);
    if (ended.kind === 'unsure') box.state = 'unsure';
    const isGone = ended.kind === 'done' || (ended.kind === 'refused' && ended.status === 404);
    if (isGone) {
      this.#parts.world.gone(box);
      await this.publish();
    }
    return isGone;
  }

  async #stop(): Promise<void> {
    const box = this.#parts.world.take(({ state }) => state === 'running');
    if (box === undefined) return;
    const ended = await this.#call('stop', [box.name, box.id], 'POST', `/containers/${box.id}/stop?t=0`);
    if (ended.kind === 'unsure') box.state = 'unsure';
    if (ended.kind === 'done') {
      box.state = 'stopped';
      box.openOn = undefined;
      for (const place of box.nets.values()) place.address = '';
    }
    box.busy = false;
  }

  async #start(): Promise<void> {
    const box = this.#parts.world.take(({ state }) => state === 'stopped');
    if (box === undefined) return;
    await this.#startBox(box, 'start');
    box.busy = false;
  }

  async #startBox(box: Box, what: string): Promise<void> {
    const ended = await this.#call(what, [box.name, box.id], 'POST', `/containers/${box.id}/start`);
    if (ended.kind === 'unsure') box.state = 'unsure';
    if (ended.kind !== 'done') return;
    box.state = 'running';
    [box.openOn] = box.port === undefined ? [] : [...box.nets.keys()];
    await this.#readAddresses(box, [...box.nets.keys()]);
  }

  async #connect(): Promise<void> {
    const { world } = this.#parts;
    const net = world.anyNet();
    const box = world.take(({ state, nets }) => state !== 'unsure' && net !== undefined && !nets.has(net));
    if (box === undefined || net === undefined) return;
    const place = this.#placeIn(net, box.name);
    const ended = await this.#call('connect', [box.name, box.id, net], 'POST', `/networks/${net}/connect`, {
      Container: box.id,
      EndpointConfig: { Aliases: place.aliases, ...(place.asked === '' ? {} : { IPAMConfig: { IPv4Address: place.asked } }) },
    });
    if (ended.kind === 'unsure') box.state = 'unsure';
    if (ended.kind === 'done') {
      box.nets.set(net, place);
      if (box.state === 'running') await this.#readAddresses(box, [net]);
    }
    box.busy = false;
  }

  async #disconnect(): Promise<void> {
    const box = this.#parts.world.take(({ state, nets }) => state !== 'unsure' && nets.size > 0);
    const net = this.#parts.world.random.pick([...(box?.nets.keys() ?? [])]);
    if (box === undefined || net === undefined) return;
    const ended = await this.#call('disconnect', [box.name, box.id, net], 'POST', `/networks/${net}/disconnect`, { Container: box.id });
    if (ended.kind === 'unsure') box.state = 'unsure';
    if (ended.kind === 'done') {
      box.nets.delete(net);
      if (box.openOn === net) box.openOn = undefined;
      await this.publish();
    }
    box.busy = false;
  }

  /** A container that runs on a host, for a fault to end: its process. */
  async victim(host: LabHost): Promise<number | undefined> {
    const { world, daemons, journal } = this.#parts;
    const box = world.take(({ state, host: n }) => state === 'running' && daemons[n]?.host === host);
    if (box === undefined) return undefined;
    try {
      const ended = await this.#at(box.host, 'GET', `/containers/${box.id}/json`);
      const { Pid = 0 } = ended.kind === 'done' ? (JSON.parse(ended.body) as ContainerInspect).State : {};
      if (Pid === 0) return undefined;
      journal.note(`the process of ${box.name} will be killed`, [box.name, box.id]);
      box.state = 'unsure';
      return Pid;
    } finally {
      box.busy = false;
    }
  }

  /** All of it, from every node at once. */
  async removeAll(): Promise<void> {
    const { world, daemons } = this.#parts;
    const remove = async (box: Box, i: number): Promise<void> => {
      await daemons[i % daemons.length]?.must('DELETE', `/containers/${box.id}?force=1`);
      world.gone(box);
    };
    await Promise.all([...world.boxes].map(remove));
    await this.publish();
    for (const net of world.nets.slice()) {
      await daemons[0]?.must('DELETE', `/networks/${net.id}`);
      world.forgetNet(net);
    }
  }

  /** What addresses it was given, on these networks just now; nobody who tells: it is seen later. */
  async #readAddresses(box: Box, on: readonly string[]): Promise<void> {
    const { daemons, journal } = this.#parts;
    const ended = await this.#at(box.host, 'GET', `/containers/${box.id}/json`);
    if (ended.kind !== 'done') {
      box.state = 'unsure';
      return;
    }
    const networks = (JSON.parse(ended.body) as ContainerInspect).NetworkSettings.Networks;
    for (const [net, place] of box.nets) {
      place.address = networks[net]?.IPAddress ?? '';
      const words = `${box.name} has ${place.address === '' ? 'no address' : place.address} of ${net} on ${daemons[box.host]?.host.name}`;
      journal.note(words, [box.name, box.id, place.address]);
      if (on.includes(net) && (place.address === '' || (place.asked !== '' && place.asked !== place.address)))
        journal.fault(`acknowledged, but ${words}; asked: ${place.asked === '' ? 'any' : place.asked}`, [box.name, box.id, place.asked]);
    }
  }

  /** The prober learns who may answer at which port. */
  async publish(): Promise<void> {
    const { world, daemons, probe } = this.#parts;
    const ipOf = (n: number) => daemons[n]?.host.ip ?? '';
    await probe.publish(
      [...world.boxes].flatMap(({ port, id, host, askedOf, state, openOn }) => {
        if (port === undefined) return [];
        const isOpen = state === 'running' && openOn !== undefined;
        return [{ port, holders: id === '' ? [] : [id], at: [...new Set([ipOf(host), ipOf(askedOf)])], isOpen }];
      }),
    );
  }

  async #call(what: string, about: readonly string[], method: string, path: string, body?: object, at?: number): Promise<Ended> {
    const { world, daemons, journal } = this.#parts;
    const n = at ?? world.random.int(daemons.length);
    const name = daemons[n]?.host.name ?? '';
    journal.note(
      `${what} ${about[0]} is asked of ${name}${what === 'run' || what.endsWith('connect') ? ` ${JSON.stringify(body)}` : ''}`,
      about,
    );
    const began = performance.now();
    const ended = await this.#at(n, method, path, body);
    const tookMs = Math.round(performance.now() - began);
    if (ended.kind !== 'unsent') this.done++;
    count(this.counts, `${what}: ${ended.kind}`);
    const why = ended.kind === 'refused' || ended.kind === 'unsure' ? `: ${ended.why}` : '';
    if (why !== '') count(this.reasons, `${what}: ${ended.kind}${general(why)}`);
    journal.note(`${what} ${about[0]} at ${name}: ${ended.kind} in ${tookMs} ms${why}`, about);
    if (ended.kind === 'refused' && ended.why.trim() === '') journal.fault(`${what} was refused without a reason`, about);
    if (ended.kind === 'unsure' && ended.why.startsWith('HANGS')) journal.fault(`${what} ${about[0]} at ${name} hangs`, about);
    return ended;
  }

  #at(n: number, method: string, path: string, body?: object): Promise<Ended> {
    const daemon = this.#parts.daemons[n];
    if (daemon === undefined) throw new Error(`there is no daemon ${n}`);
    return daemon.call(method, path, body);
  }
}

function count(counts: Map<string, number>, what: string): void {
  counts.set(what, (counts.get(what) ?? 0) + 1);
}

/** Without names and figures, so that like reasons are one. */
const general = (why: string): string =>
  why
    .replace(/\b[0-9a-f]{12,64}\b/g, 'ID')
    .replace(/\b(box|net|host)\d+/g, '$1N')
    .replace(/\d+(\.\d+)*/g, 'N')
    .slice(0, 220);
