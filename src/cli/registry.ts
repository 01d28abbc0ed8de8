import type { Entry } from './entry.ts';

const run: Entry = {
  summary: 'run a container on a node with room',
  load: async () => (await import('./commands/run.ts')).runCommand,
  ancestorWords: true,
};
const createContainer: Entry = {
  summary: 'place a container without starting it',
  load: async () => (await import('./commands/container-create.ts')).containerCreateCommand,
  ancestorWords: true,
};
const ps: Entry = { summary: 'list containers, of all nodes', load: async () => (await import('./commands/ps.ts')).psCommand };
const start: Entry = { summary: 'start stopped containers', load: async () => (await import('./commands/start.ts')).startCommand };
const stop: Entry = { summary: 'stop containers', load: async () => (await import('./commands/stop.ts')).stopCommand };
const restart: Entry = {
  summary: 'stop containers and start them again',
  load: async () => (await import('./commands/stop.ts')).restartCommand,
};
const kill: Entry = { summary: 'send a signal to containers', load: async () => (await import('./commands/kill.ts')).killCommand };
const rm: Entry = { summary: 'remove containers', load: async () => (await import('./commands/rm.ts')).rmCommand };
const attach: Entry = {
  summary: 'be at a running container’s input and output',
  load: async () => (await import('./commands/attach.ts')).attachCommand,
};
const logs: Entry = { summary: "show a container's output", load: async () => (await import('./commands/logs.ts')).logsCommand };
const wait: Entry = {
  summary: 'wait until containers stop, print their exit codes',
  load: async () => (await import('./commands/wait.ts')).waitCommand,
};
const inspect: Entry = {
  summary: 'show all facts of containers, images or networks',
  load: async () => (await import('./commands/inspect.ts')).inspectCommand,
};
const port: Entry = {
  summary: 'show where published ports are served',
  load: async () => (await import('./commands/port.ts')).portCommand,
};
const images: Entry = { summary: 'list images, of all nodes', load: async () => (await import('./commands/images.ts')).imagesCommand };
const pull: Entry = { summary: 'fetch an image from a registry', load: async () => (await import('./commands/pull.ts')).pullCommand };
const load: Entry = { summary: 'load an image from an archive', load: async () => (await import('./commands/load.ts')).loadCommand };
const rmi: Entry = { summary: 'remove images, on all nodes', load: async () => (await import('./commands/rmi.ts')).rmiCommand };
const leave: Entry = {
  summary: 'take this node out of its instance and clean the host up',
  load: async () => (await import('./commands/leave.ts')).leaveCommand,
};
const nodesRemove: Entry = {
  summary: 'remove nodes that are gone',
  load: async () => (await import('./commands/nodes-rm.ts')).nodesRemoveCommand,
};
const hide = (entry: Entry): Entry => ({ ...entry, hidden: true });

/** By name, in the order of help. */
export const COMMANDS: Readonly<Record<string, Entry>> = {
  create: { summary: 'make an instance: its first node', load: async () => (await import('./commands/create.ts')).createCommand },
  join: { summary: 'join an instance', load: async () => (await import('./commands/join.ts')).joinCommand },
  daemon: { summary: "start this machine's node", load: async () => (await import('./commands/daemon.ts')).daemonCommand },
  leave,
  exit: hide(leave),
  nodes: { summary: 'list the nodes, remove some', load: async () => (await import('./commands/nodes.ts')).nodesCommand },
  token: { summary: 'make, list, remove join tokens', load: async () => (await import('./commands/token.ts')).tokenCommand },
  agreement: {
    summary: 'show, save and rescue what is agreed',
    load: async () => (await import('./commands/agreement.ts')).agreementCommand,
  },
  run,
  new: {
    summary: 'open a shell in a new container, on a subnet made on first use',
    load: async () => (await import('./commands/new.ts')).newCommand,
    ancestorWords: true,
  },
  ps,
  start,
  stop,
  restart,
  kill,
  rm,
  attach,
  logs,
  wait,
  port,
  inspect,
  network: {
    summary: 'make, list, remove networks, put containers on them, look for what ails them',
    load: async () => (await import('./commands/network.ts')).networkCommand,
  },
  explain: { summary: 'say why a container is where it is', load: async () => (await import('./commands/explain.ts')).explainCommand },
  images,
  pull,
  load,
  rmi,
  version: { summary: 'show the versions of client and daemon', load: async () => (await import('./commands/version.ts')).versionCommand },
  info: { summary: 'show facts about the instance', load: async () => (await import('./commands/info.ts')).infoCommand },
  completion: {
    summary: 'print a completion script for bash, zsh or fish',
    load: async () => (await import('./commands/completion.ts')).completionCommand({ commands: COMMANDS, groups: GROUPS }),
  },
};

/** The forms with a noun: `container ps`, `image ls`. */
export const GROUPS: Readonly<Record<string, Readonly<Record<string, Entry>>>> = {
  container: { create: createContainer, run, ps, ls: ps, list: ps, start, stop, restart, kill, rm, attach, logs, wait, port, inspect },
  image: { ls: images, list: images, pull, load, rm: rmi, inspect },
  node: { ls: COMMANDS.nodes as Entry, rm: nodesRemove },
};

export interface Found {
  /** The words that name it: one, or two in a group. */
  readonly path: readonly string[];
  readonly entry: Entry;
}

export function findCommand(words: readonly string[]): Found | undefined {
  const [first = '', second = ''] = words;
  const group = Object.hasOwn(GROUPS, first) ? GROUPS[first] : undefined;
  if (group !== undefined) {
    const entry = Object.hasOwn(group, second) ? group[second] : undefined;
    return entry === undefined ? undefined : { path: [first, second], entry };
  }
  const entry = Object.hasOwn(COMMANDS, first) ? COMMANDS[first] : undefined;
  return entry === undefined ? undefined : { path: [first], entry };
}
