import type { Command } from 'commander';
import { EXIT, Failure } from '../failure.ts';

/** Whether an argument names a stack file: no image does, its tag would come last. */
export const isStackFile = (word: string): boolean => /\.ya?ml$/i.test(word);

const SAID_IN_THE_FILE = 'a stack file says that for each container';
/** Options of one container. All others hold for every container of a stack. */
const REFUSED: Readonly<Record<string, string>> = {
  name: `${SAID_IN_THE_FILE}: its key, or \`name\``,
  cpus: `${SAID_IN_THE_FILE}: \`cpus\``,
  memory: `${SAID_IN_THE_FILE}: \`memory\``,
  cpuClass: `${SAID_IN_THE_FILE}: \`cpu_power\``,
  entrypoint: 'it would hold for all containers of the stack, and is one container’s',
  publish: `${SAID_IN_THE_FILE}: \`ports\``,
  ip: `${SAID_IN_THE_FILE}: \`ipv4_address\` in \`networks\``,
  networkAlias: `${SAID_IN_THE_FILE}: \`aliases\` in \`networks\``,
  netAlias: `${SAID_IN_THE_FILE}: \`aliases\` in \`networks\``,
  macAddress: `${SAID_IN_THE_FILE}: \`mac_address\` in \`networks\``,
  link: 'it would hold for all containers of the stack, and is one container’s',
  hostname: 'it would hold for all containers of the stack, and is one container’s',
  workdir: 'it would hold for all containers of the stack, and is one container’s',
  healthCmd: 'it would hold for all containers of the stack, and is one container’s',
  interactive: 'its containers run in the background',
  tty: 'it would hold for all containers of the stack, and is one container’s',
  attach: 'its containers run in the background',
  cidfile: 'a stack has several ids: read what is printed, or --format json',
};

/** @throws Failure naming the first option or word that a stack file does not go with */
export function refuseForStack(file: string, words: readonly string[], command: Command): void {
  for (const [name, why] of Object.entries(REFUSED)) {
    if (command.getOptionValueSource(name) !== 'cli') continue;
    const flags = command.options.find((option) => option.attributeName() === name)?.long ?? name;
    throw new Failure(`${flags} does not go with the stack file ${file}: ${why}`, EXIT.refused);
  }
  if (words.length > 0) {
    throw new Failure(
      `${JSON.stringify(words[0])} does not go with the stack file ${file}: what runs in its containers is said there, as args`,
      EXIT.refused,
    );
  }
}
