import { MIB, NO_RESOURCES } from '../../src/core/model/index.ts';
import type { Command, ContainerId, Request, RequestId, Resources } from '../../src/core/model/index.ts';
import { Node } from '../../src/core/node/node.ts';
import type { SimNode } from '../../src/sim/host/sim-node.ts';
import { CALM } from '../../src/sim/network/conditions.ts';
import { World } from '../../src/sim/world.ts';
import { disturb, look } from './disturb.ts';
import { affinitiesOf, portsOf, stackOf } from './stack-line.ts';

/**
 * Plays a transcript: lines that begin with `> ` tell the simulator what to do, the indented lines
 * below each are what it must bring about. Returns the script with what it did bring about.
 *
 *   > nodes a=2000m/1024M b=…      the instance's nodes and what they offer; first. Or many alike:
 *   > nodes 120 of 500m/512M       n0 to n119
 *   > show event run-, send launch which trace lines to show: those that begin so
 *   > start a | crash a | leave a  a daemon starts (and joins), dies, leaves
 *   > crash n4..n9                 several
 *   > crash b at TEXT              it dies in the turn of its next trace line that begins so
 *   > run web 500m/256M at a [on b] [near db] [far from log] [publishing 80,53/udp]   a user at a runs a container
 *                                `w2=web`: the script calls it w2, its name is web
 *   > look-up web at a             a user's question to the name directory
 *   > groups pod=co-location …     groups of the stacks that follow
 *   > stack shop at a: PART, …     a user at a runs a stack (stack-line.ts says how parts are written)
 *   > plan shop at a: PART, …      a user at a asks where it would go
 *   > cancel shop at a             a user gives a stack up
 *   > take 22 at c               something else on c's host takes this port; `take nothing at c` ends it
 *   > spoil c                      c's engine can make no containers any more
 *   > start|stop|pause|unpause|remove web at b   a user's command about a container, given to its node
 *   > rename web to front at b
 *   > update web 500m/256M at b
 *   > cut a b … | heal             no packet passes between these and the rest
 *   > repeat streams | once        messages on streams arrive twice, or once again
 *   > lose accept | late accept 2s [to a]   what happens to messages of a kind (disturb.ts)
 *   > pause a | resume a           its daemon stands still; what was sent to it waits
 *   > runs 14 of 50m/32M at a      that many runs in one moment, r0 to r13
 *   > look hints at a              what it knows: hints, offers or members
 *   > wait 5s                      time passes; every other line takes 10 ms
 */
export function play(script: string): string {
  const player = new Player();
  const out: string[] = [];
  for (const line of script.split('\n')) {
    if (line.startsWith('  ')) continue;
    out.push(line);
    if (line.startsWith('> ')) out.push(...player.play(line.slice(2)).map((shown) => `  ${shown}`));
  }
  return out.join('\n');
}

const NO_RESTART: Request['restart'] = { name: 'no', maximumRetries: 0 };
const SAME = { class: 'low', arch: 'amd64', labels: {} } as const;

class Player {
  #world: World | undefined;
  #names: string[] = [];
  #show: readonly string[] = [];
  #shown: string[] = [];
  #crashAt: { readonly node: SimNode; readonly text: string } | undefined;
  /** Six digits of an id → what the script calls it. */
  readonly #aliases = new Map<string, string>();
  readonly #ends: (() => void)[] = [];
  #groups = 'pod=co-location apart=spread';

  play(line: string): readonly string[] {
    this.#shown = [];
    const [verb = '', ...args] = line.split(' ');
    if (verb === 'nodes') this.#begin(args);
    else if (verb === 'show') this.#show = args.join(' ').split(', ');
    else {
      if (verb !== 'wait') this.#act(verb, args);
      const { schedule } = this.#running();
      schedule.runUntil(schedule.nowMs + (verb === 'wait' ? Number.parseFloat(args[0] ?? '') * 1_000 : 10));
    }
    return this.#shown;
  }

  #begin(nodes: readonly string[]): void {
    const each = nodes[1] === 'of' ? Array.from({ length: Number(nodes[0]) }, (_, n) => `n${n}=${nodes[2]}`) : nodes;
    this.#names = each.map((text) => text.split('=')[0] ?? '');
    const capacities = each.map((text) => resourcesOf(text.split('=')[1] ?? ''));
    this.#world = new World({
      seed: 1,
      nodes: each.length,
      conditions: { ...CALM, latency: { kind: 'uniform', leastMs: 1, spreadMs: 0 } },
      createCore: (config, kept) => new Node(config, kept),
      checkers: [],
      print: (text) => this.#trace(text),
      describe: (index) => ({ ...SAME, name: this.#names[index] ?? '', capacity: capacities[index] ?? NO_RESOURCES }),
      evenHosts: true,
    });
    for (const node of this.#world.nodes) this.#aliases.set(node.id.slice(0, 6), node.name);
  }

  #act(verb: string, args: readonly string[]): void {
    const world = this.#running();
    const [first = ''] = args;
    if (verb === 'cut') {
      const side = new Set(args.map((name) => this.#node(name).index));
      this.#ends.push(world.network.block((from, to) => side.has(from) !== side.has(to)));
    } else if (verb === 'heal' || verb === 'once') {
      for (const end of this.#ends.splice(0)) end();
    } else if (verb === 'repeat') {
      this.#ends.push(world.network.worsen({ repeats: 1 }));
    } else if (verb === 'lose' || verb === 'late') {
      this.#ends.push(disturb(world, [verb, ...args], (name) => this.#node(name)));
    } else if (verb === 'pause' && args[1] === undefined) {
      this.#node(first).pause();
    } else if (verb === 'resume') {
      this.#node(first).resume();
    } else if (verb === 'look') {
      const name = args[2] ?? '';
      const seen = look(first, this.#node(name), (id) => this.#aliases.get(id.slice(0, 6)) ?? id.slice(0, 6));
      this.#shown.push(...seen.map((line) => `${name}: ${line}`));
    } else if (verb === 'start' && first === 'all') {
      for (const node of world.nodes) world.start(node);
    } else if (verb === 'crash') {
      if (args[1] === 'at') this.#crashAt = { node: this.#node(first), text: args.slice(2).join(' ') };
      else for (const node of this.#range(first)) node.crash();
    } else if (verb === 'leave') {
      this.#tell(this.#node(first), { kind: 'leave' });
    } else if (verb === 'run') {
      const on = /\bon (\S+)/.exec(args.slice(4).join(' '))?.[1];
      const nodes = on === undefined ? [] : [{ key: 'node', operator: '==', value: on, soft: false } as const];
      const wants = args.slice(4).join(' ');
      const request = { ...this.#request(first, args[1] ?? '', nodes), affinities: affinitiesOf(wants), hostPorts: portsOf(wants) };
      this.#tell(this.#node(args[3] ?? ''), { kind: 'run', request, exclude: [] });
    } else if (verb === 'runs') {
      for (let n = 0; n < Number(first); n++) this.#act('run', [`r${n}`, ...args.slice(2)]);
    } else if (verb === 'groups') {
      this.#groups = args.join(' ');
    } else if (verb === 'stack' || verb === 'plan') {
      const id = idFor(`${verb} of ${first}`, 32) as RequestId;
      this.#aliases.set(id.slice(0, 6), first);
      const stack = stackOf(id, this.#groups, args.slice(3).join(' '), (...of) => this.#request(...of));
      this.#tell(this.#node((args[2] ?? '').slice(0, -1)), { kind: verb === 'plan' ? 'plan' : 'run-stack', stack, exclude: [] });
    } else if (verb === 'cancel') {
      this.#tell(this.#node(args[2] ?? ''), { kind: 'cancel-run', requestId: idFor(`stack of ${first}`, 32) as RequestId });
    } else if (verb === 'take') {
      const busyPorts = portsOf(`publishing ${first}`).map((port) => ({ ...port, owner: undefined, by: 'a process of the host' }));
      this.#node(args[2] ?? '').changeHost({ busyPorts, closedNetworks: [] });
    } else if (verb === 'spoil') {
      this.#node(first).engine.temper.createFails = 1;
    } else if (verb === 'look-up') {
      this.#tell(this.#node(args[2] ?? ''), { kind: 'look-up', key: { kind: 'name', name: first } });
    } else if (args.at(-2) === 'at') {
      this.#tell(this.#node(args.at(-1) ?? ''), commandOf(verb, idFor(first, 64) as ContainerId, args));
    } else if (verb === 'start') {
      world.start(this.#node(first));
    } else {
      throw new Error(`no transcript line begins with ${verb}`);
    }
  }

  #tell(node: SimNode, command: Command): void {
    this.#running().command(node, command, () => undefined);
  }

  #request(text: string, size: string, constraints: Request['constraints']): Request {
    const [alias = '', name = alias] = text.split('=');
    const id = idFor(`request of ${alias}`, 32) as RequestId;
    const containerId = idFor(alias, 64) as ContainerId;
    this.#aliases.set(id.slice(0, 6), alias).set(containerId.slice(0, 6), alias);
    return {
      id,
      containerId,
      name,
      resources: resourcesOf(size),
      class: 'low',
      arches: [],
      constraints,
      affinities: [],
      hostPorts: [],
      vnis: [],
      labels: {},
      image: '',
      policy: 'binpack',
      restart: NO_RESTART,
      autoRemove: false,
      stopSignal: 'SIGTERM',
      stopTimeoutMs: 1_000,
      spec: '{}',
    };
  }

  /** One line of the simulator's trace: time, node, what. */
  #trace(text: string): void {
    const [, index = '', what = ''] = /^ *\S+ +(\S+) +(.*)$/.exec(text) ?? [];
    const name = this.#names[Number(index.slice(1))] ?? '';
    const crash = this.#crashAt;
    if (crash?.node.name === name && what.startsWith(crash.text)) {
      this.#crashAt = undefined;
      crash.node.crashWithin(0);
    }
    if (this.#show.some((start) => what.startsWith(start))) this.#shown.push(`${name}: ${this.#readable(what)}`);
  }

  #readable(what: string): string {
    return what
      .replace(/^(send .*) to (\d+|nowhere) \d+$/, (_, sent: string, to: string) => `${sent} to ${this.#names[Number(to)] ?? to}`)
      .replace(/^(reply|command) \d+ /, '$1 ')
      .replaceAll(/\b[0-9a-f]{6}(?:[0-9a-f]{6})?\b/g, (id) => this.#aliases.get(id.slice(0, 6)) ?? id);
  }

  /** One node, or as many as `n4..n9` says. */
  #range(text: string): readonly SimNode[] {
    const [first = '', last = first] = text.split('..');
    const nodes = [this.#node(first), this.#node(last)];
    return this.#running().nodes.slice(nodes[0]?.index, (nodes[1]?.index ?? 0) + 1);
  }

  #node(name: string): SimNode {
    const node = this.#running().nodes.find((candidate) => candidate.name === name);
    if (node === undefined) throw new Error(`no node is called ${JSON.stringify(name)}`);
    return node;
  }

  #running(): World {
    if (this.#world === undefined) throw new Error('a transcript begins with > nodes');
    return this.#world;
  }
}

function commandOf(verb: string, containerId: ContainerId, args: readonly string[]): Command {
  if (verb === 'pause' || verb === 'unpause') return { kind: verb, containerId };
  if (verb === 'rename') return { kind: 'rename', containerId, name: args[2] ?? '' };
  if (verb === 'update') {
    const size = args[1] ?? '';
    return { kind: 'update', containerId, resources: resourcesOf(size), restart: NO_RESTART, spec: JSON.stringify({ limits: size }) };
  }
  if (verb === 'start') return { kind: 'start', containerId };
  if (verb === 'stop') return { kind: 'stop', containerId, timeoutMs: undefined, signal: undefined };
  if (verb === 'remove') return { kind: 'remove', containerId, force: true };
  throw new Error(`no command is called ${verb}`);
}

/** `500m/256M`: millicores and mebibytes. */
function resourcesOf(text: string): Resources {
  const [, cpu = '', memory = ''] = /^(\d+)m\/(\d+)M$/.exec(text) ?? [];
  if (cpu === '') throw new Error(`resources are written as 500m/256M, got ${JSON.stringify(text)}`);
  return { cpuMillicores: Number(cpu), memoryBytes: Number(memory) * MIB };
}

/** An id that is the same in each run and different for each name. */
function idFor(name: string, digits: number): string {
  const hexOfName = Array.from(name, (c) => c.charCodeAt(0).toString(16).padStart(2, '0')).toReversed();
  return hexOfName.join('').padEnd(digits, '0').slice(0, digits);
}
