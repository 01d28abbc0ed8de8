import type { NodeRow } from '../../src/docker-api/caravela-types.ts';
import type { ContainerInspect, ContainerSummary } from '../../src/docker-api/types.ts';
import type { UnixClient } from './unix-client.ts';

/** Between two looks at what the nodes hold. */
const LOOK_MS = 50;
const NANO_PER_MILLI = 1e6;

interface Sum {
  readonly cpuMillicores: number;
  readonly memoryBytes: number;
  readonly containers: number;
}

const NOTHING: Sum = { cpuMillicores: 0, memoryBytes: 0, containers: 0 };

/** What the nodes of an instance hold, as they say it and as their containers sum up to. */
export class Accounts {
  readonly #clients: readonly UnixClient[];
  readonly #oversold = new Set<string>();
  #looks = 0;
  #watching: Promise<void> | undefined;
  #over = false;

  constructor(clients: readonly UnixClient[]) {
    this.#clients = clients;
  }

  /** Looks at all nodes again and again until `stop`, asking a daemon at a time; one that is away is passed over. */
  watch(): void {
    this.#watching = (async () => {
      for (let turn = 0; !this.#over; turn++) {
        const client = this.#clients[turn % this.#clients.length] as UnixClient;
        const rows = await this.nodes(client).catch(() => []);
        if (rows.length > 0) this.#looks++;
        for (const { name, cpus, memory } of rows) {
          if (cpus.reserved > cpus.capacity) this.#oversold.add(`${name} holds ${cpus.reserved} of ${cpus.capacity} millicores`);
          if (memory.reserved > memory.capacity) this.#oversold.add(`${name} holds ${memory.reserved} of ${memory.capacity} bytes`);
        }
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      }
    })();
  }

  async stop(): Promise<{ readonly looks: number; readonly oversold: readonly string[] }> {
    this.#over = true;
    await this.#watching;
    return { looks: this.#looks, oversold: [...this.#oversold] };
  }

  async nodes(client = this.#clients[0] as UnixClient): Promise<readonly NodeRow[]> {
    return JSON.parse((await client.ok('GET', '/caravela/v1/nodes')).body) as NodeRow[];
  }

  /** All containers, as one daemon lists them. */
  async containers(client = this.#clients[0] as UnixClient): Promise<readonly ContainerSummary[]> {
    return JSON.parse((await client.ok('GET', '/containers/json?all=1')).body) as ContainerSummary[];
  }

  /** What a node holds is the sum of its containers, no hold is left. @throws Error saying where it isn't so */
  async balance(): Promise<true> {
    const wrong = await this.#discrepancies();
    if (wrong.length > 0) throw new Error(wrong.join('; '));
    return true;
  }

  async #discrepancies(): Promise<readonly string[]> {
    const sums = new Map<string, Sum>();
    for (const { Id } of await this.containers()) {
      const { body } = await (this.#clients[0] as UnixClient).ok('GET', `/containers/${Id}/json`);
      const { Node, HostConfig, State } = JSON.parse(body) as ContainerInspect;
      const { cpuMillicores, memoryBytes, containers } = sums.get(Node.Name) ?? NOTHING;
      const holds = isHolding(State);
      sums.set(Node.Name, {
        cpuMillicores: cpuMillicores + (holds ? (HostConfig.NanoCpus ?? 0) / NANO_PER_MILLI : 0),
        memoryBytes: memoryBytes + (holds ? (HostConfig.Memory ?? 0) : 0),
        containers: containers + 1,
      });
    }
    return (await this.nodes()).flatMap(({ name, cpus, memory, containers }) => {
      const sum = sums.get(name) ?? NOTHING;
      const says: Sum = { cpuMillicores: cpus.reserved, memoryBytes: memory.reserved, containers };
      const isOversold = sum.cpuMillicores > cpus.capacity || sum.memoryBytes > memory.capacity;
      if (JSON.stringify(says) === JSON.stringify(sum) && !isOversold) return [];
      return [`${name} says ${JSON.stringify(says)}, its containers sum up to ${JSON.stringify(sum)} of ${cpus.capacity} millicores`];
    });
  }
}

/** Whether it was not started yet, runs, or will again. One whose start failed shows as created, too, and holds nothing. */
function isHolding({ Status, FinishedAt }: ContainerInspect['State']): boolean {
  const isFresh = Status === 'created' && FinishedAt.startsWith('0001');
  return isFresh || Status === 'running' || Status === 'restarting';
}
