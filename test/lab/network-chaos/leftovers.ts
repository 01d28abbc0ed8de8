import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { kernelState } from '../kernel-state.ts';
import type { Lab } from '../lab.ts';
import type { LabHost } from '../lab-host.ts';
import { UnixClient } from '../unix-client.ts';

/** What a host, and the instance, have beside what is agreed of addresses: lists of lines to compare. */
export type Having = Readonly<Record<string, readonly string[]>>;

/** What all hosts have now, and what is agreed. Blocks of the default network are kept once leased, with their routes. */
export async function having(lab: Lab, network: { readonly id: string; readonly subnet: string }): Promise<Having> {
  const hosts = await Promise.all(lab.hosts.map((host) => ofHost(host, network.subnet)));
  return { ...Object.assign({}, ...hosts), 'agreed keys': await agreedKeys(lab, network.id) };
}

/** What there is more or less than before, in words. */
export function differences(before: Having, now: Having): readonly string[] {
  return Object.keys(now).flatMap((what) => {
    const [old, fresh] = [before[what] ?? [], now[what] ?? []];
    const more = fresh.filter((line) => !old.includes(line)).map((line) => `${what}, left over: ${line}`);
    return [...more, ...old.filter((line) => !fresh.includes(line)).map((line) => `${what}, missing: ${line}`)];
  });
}

async function ofHost(host: LabHost, defaultSubnet: string): Promise<Having> {
  const kernel = await kernelState(host);
  const lines = async (...command: string[]) => (await host.run(command)).stdout.split('\n').flatMap((line) => line.trim() || []);
  const ofDefault = new RegExp(` ?${defaultSubnet.replace(/\.0\.0.*/, '').replaceAll('.', '\\.')}\\.`);
  const routes = (await lines('ip', 'route', 'show', 'table', 'all')).map((line) => line.replace(/ linkdown| dead/g, '').trim());
  const ruleset = await lines('nft', '--stateless', 'list', 'ruleset');
  const all = {
    links: kernel.links,
    mounts: kernel.mounts,
    cgroups: kernel.cgroups.filter((dir) => !dir.endsWith('/conmon')),
    conmons: kernel.processes.filter((line) => line.includes('conmon')),
    routes: routes.filter((line) => !ofDefault.test(line) || line.includes('unreachable')),
    neighbours: await lines('ip', 'neigh', 'show', 'nud', 'permanent'),
    // What is learned of a bridge's ports comes and goes; multicast groups are the kernel's, and not there on a bridge that was made anew.
    'forwarding entries': (await lines('bridge', 'fdb', 'show')).filter((line) => line.includes('permanent') && !line.startsWith('33:33:')),
    // Sets are listed in no order.
    rules: ruleset.flatMap((line) => line.replace(/^elements = \{|\}$/g, '').split(/, ?/)).map((line) => line.trim()),
    // Who takes part in agreement changes.
    sockets: (await lines('ss', '-H', '-lntu'))
      .filter((line) => !line.includes(':2380 '))
      .map((line) => line.split(/\s+/).toSpliced(2, 2).join(' ')),
    namespaces: filesIn(join(host.runDir, 'netns')),
    'endpoint files': filesIn(join(host.runDir, 'endpoints')),
  };
  return Object.fromEntries(Object.entries(all).map(([what, list]) => [`${what} of ${host.name}`, [...new Set(list)].toSorted()]));
}

const filesIn = (dir: string): readonly string[] => (existsSync(dir) ? readdirSync(dir) : []);

/** As the first member that answers has them, from its own store: but for leases of the default network and what is counted. */
async function agreedKeys(lab: Lab, defaultId: string): Promise<readonly string[]> {
  for (const host of lab.hosts) {
    const socket = join(host.runDir, 'agreement', 'etcd.sock:1');
    if (!existsSync(socket)) continue;
    const client = new UnixClient(socket);
    try {
      const base64 = (text: string) => Buffer.from(text).toString('base64');
      const { body } = await client.ok('POST', '/v3/kv/range', {
        key: base64('/caravela/'),
        range_end: base64('/caravela0'),
        keys_only: true,
      });
      const { kvs = [] } = JSON.parse(body) as { readonly kvs?: readonly { readonly key: string }[] };
      const keys = kvs.map(({ key }) => Buffer.from(key, 'base64').toString());
      const comesAndGoes = [`/leases/${defaultId}/`, '/caravela/forward/', '/ca-holders/'];
      return keys.filter((key) => !comesAndGoes.some((each) => key.includes(each)));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ECONNREFUSED') throw error;
    } finally {
      client.close();
    }
  }
  throw new Error('no agreement member answers');
}
