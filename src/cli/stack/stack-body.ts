import type { StackBody } from '../../docker-api/stack-types.ts';
import type { BodyFiles } from '../run/body-files.ts';
import type { ContainerOptions } from '../run/container-options.ts';
import { createBody, networkOf } from '../run/create-body.ts';
import type { StackFile } from './stack-file.ts';
import { StackFileError } from './stack-file-error.ts';

export interface StackInput extends BodyFiles {
  readonly file: string;
  readonly stack: StackFile;
  /** Of the command line: they hold for every container. */
  readonly options: ContainerOptions;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The body of POST /caravela/v1/stacks. @throws StackFileError for ports that can't be opened, RangeError as createBody */
export function stackBody({ file, stack, options, ...rest }: StackInput): StackBody {
  refuseUnopenedPorts(file, stack, networkOf(options));
  return {
    groups: stack.groups.map((group) => ({ ...group })),
    parts: stack.containers.map(({ name, group, image, args, cpuClass, cpus, memory }) => ({
      name,
      ...(group === undefined ? {} : { group }),
      body: createBody({
        ...rest,
        image,
        command: args,
        attached: false,
        options: {
          ...options,
          ...(cpuClass === undefined ? {} : { cpuClass }),
          ...(cpus === undefined ? {} : { cpus }),
          ...(memory === undefined ? {} : { memory }),
        },
      }),
    })),
  };
}

/** With the node's own network a container opens its ports there by itself, under their own numbers. */
function refuseUnopenedPorts(file: string, { containers }: StackFile, network: string | undefined): void {
  for (const { name, ports } of containers) {
    for (const { line, text, host, container } of ports) {
      if (network !== 'host') {
        throw new StackFileError(
          file,
          line,
          `container ${name} has the port ${text}: published ports come with networks, later; until then \`caravela run --network host ${file}\` opens the ports of its containers on their nodes`,
        );
      }
      if (host !== container) {
        throw new StackFileError(
          file,
          line,
          `container ${name} has the port ${text}: with --network host port ${container} is ${container} on its node, too, and can't be ${host}`,
        );
      }
    }
  }
}
