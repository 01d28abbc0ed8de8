import type { StackBody } from '../../docker-api/stack-types.ts';
import type { NetworkOption } from '../parse/network-option.ts';
import type { BodyFiles } from '../run/body-files.ts';
import type { ContainerOptions } from '../run/container-options.ts';
import { createBody } from '../run/create-body.ts';
import { type NetworkOptions, networksOf } from '../run/network-options.ts';
import type { StackContainer, StackFile } from './stack-file.ts';
import { StackFileError } from './stack-file-error.ts';

export interface StackInput extends BodyFiles {
  readonly file: string;
  readonly stack: StackFile;
  /** Of the command line: they hold for every container that does not say otherwise. */
  readonly options: ContainerOptions;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The body of POST /caravela/v1/stacks. @throws StackFileError for ports that can't be opened, RangeError as createBody */
export function stackBody({ file, stack, options, ...rest }: StackInput): StackBody {
  return {
    groups: stack.groups.map((group) => ({ ...group })),
    parts: stack.containers.map((container) => {
      const { name, group, image, args, cpuClass, cpus, memory } = container;
      return {
        name,
        ...(group === undefined ? {} : { group }),
        body: createBody({
          ...rest,
          image,
          command: args,
          attached: false,
          options: {
            ...options,
            ...networkOptions(file, container, options),
            ...(cpuClass === undefined ? {} : { cpuClass }),
            ...(cpus === undefined ? {} : { cpus }),
            ...(memory === undefined ? {} : { memory }),
          },
        }),
      };
    }),
  };
}

/** What the container says, and else the line; hosts and name servers of both. */
function networkOptions(file: string, container: StackContainer, options: ContainerOptions): NetworkOptions {
  const { networking } = container;
  const { hostname, domainname, alias } = networking;
  const network = (networking.networks ?? defaulted(networksOf(options))).map((one) => withAlias(one, alias));
  const ports = network[0]?.name === 'host' ? openPorts(file, container) : networking.ports;
  return {
    network,
    net: [],
    publish: ports.map(({ published }) => published),
    expose: [...networking.expose, ...(options.expose ?? [])],
    addHost: [...networking.addHost, ...(options.addHost ?? [])],
    dns: [...networking.dns, ...(options.dns ?? [])],
    dnsSearch: [...networking.dnsSearch, ...(options.dnsSearch ?? [])],
    dnsOption: [...networking.dnsOption, ...(options.dnsOption ?? [])],
    ...(hostname === undefined ? {} : { hostname }),
    ...(domainname === undefined ? {} : { domainname }),
  };
}

const defaulted = (networks: readonly NetworkOption[]): readonly NetworkOption[] =>
  networks.length > 0 ? networks : [{ name: 'default', aliases: [], ip: '', mac: '' }];

function withAlias(network: NetworkOption, alias: string): NetworkOption {
  const takesNone = network.name === 'none' || network.name === 'host' || network.name.startsWith('container:');
  return alias === '' || takesNone ? network : { ...network, aliases: [...network.aliases, alias] };
}

/** With the node's own network a container opens its ports there by itself, under their own numbers: nothing is published. */
function openPorts(file: string, { name, networking }: StackContainer): readonly never[] {
  for (const { line, text, published } of networking.ports) {
    const inside = published.Port.replace(/\/.*/, '');
    if (published.HostPort === '' || published.HostPort === inside) continue;
    throw new StackFileError(
      file,
      line,
      `container ${name} has the port ${text}: with the host's network port ${inside} is ${inside} on its node, too, and can't be ${published.HostPort}`,
    );
  }
  return [];
}
