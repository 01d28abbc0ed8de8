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
  summary: 'show all facts of containers, images, networks or volumes',
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
const exec: Entry = {
  summary: 'run a command in a running container',
  load: async () => (await import('./commands/exec.ts')).execCommand,
};
const top: Entry = {
  summary: 'show the processes of a container',
  load: async () => (await import('./commands/top.ts')).topCommand,
};
const stats: Entry = {
  summary: 'show what containers use, as it changes',
  load: async () => (await import('./commands/stats.ts')).statsCommand,
};
const rename: Entry = {
  summary: 'give a container another name',
  load: async () => (await import('./commands/rename.ts')).renameCommand,
};
const pause: Entry = {
  summary: 'keep containers from running',
  load: async () => (await import('./commands/pause.ts')).pauseCommand,
};
const unpause: Entry = {
  summary: 'let paused containers run on',
  load: async () => (await import('./commands/pause.ts')).unpauseCommand,
};
const update: Entry = {
  summary: 'change the limits of containers',
  load: async () => (await import('./commands/update.ts')).updateCommand,
};
const diff: Entry = {
  summary: 'show what a container changed of its image',
  load: async () => (await import('./commands/diff.ts')).diffCommand,
};
const cp: Entry = {
  summary: 'copy files from and to containers',
  load: async () => (await import('./commands/cp.ts')).cpCommand,
};
const exportContainer: Entry = {
  summary: 'write a container’s files as an archive',
  load: async () => (await import('./commands/export.ts')).exportCommand,
};
const commit: Entry = {
  summary: 'make an image of a container',
  load: async () => (await import('./commands/commit.ts')).commitCommand,
};
const containerPrune: Entry = {
  summary: 'remove containers that do not run',
  load: async () => (await import('./commands/container-prune.ts')).containerPruneCommand,
};
const push: Entry = {
  summary: 'upload an image to a registry',
  load: async () => (await import('./commands/push.ts')).pushCommand,
};
const tag: Entry = {
  summary: 'give an image one more name',
  load: async () => (await import('./commands/tag.ts')).tagCommand,
};
const history: Entry = {
  summary: 'show how an image was built',
  load: async () => (await import('./commands/history.ts')).historyCommand,
};
const save: Entry = {
  summary: 'write images as an archive',
  load: async () => (await import('./commands/save.ts')).saveCommand,
};
const importImage: Entry = {
  summary: 'make an image of a root file system',
  load: async () => (await import('./commands/import.ts')).importCommand,
};
const imagePrune: Entry = {
  summary: 'remove images that nothing uses',
  load: async () => (await import('./commands/image-prune.ts')).imagePruneCommand,
};
const events: Entry = {
  summary: 'show what happens, as it happens',
  load: async () => (await import('./commands/events.ts')).eventsCommand,
};
const info: Entry = {
  summary: 'show facts about the instance',
  load: async () => (await import('./commands/info.ts')).infoCommand,
};
const systemDf: Entry = {
  summary: 'show what is taken on disks',
  load: async () => (await import('./commands/system/df.ts')).systemDfCommand,
};
const systemPrune: Entry = {
  summary: 'remove what is not used any more',
  load: async () => (await import('./commands/system/prune.ts')).systemPruneCommand,
};
const leave: Entry = {
  summary: 'take this node out of its instance and clean the host up',
  load: async () => (await import('./commands/leave.ts')).leaveCommand,
};
const nodesRemove: Entry = {
  summary: 'remove nodes that are gone',
  load: async () => (await import('./commands/nodes-rm.ts')).nodesRemoveCommand,
};
const hide = (entry: Entry): Entry => ({ ...entry, hidden: true });

/** Verbs by themselves, and with the noun. */
const OF_ONE_CONTAINER = {
  start,
  stop,
  restart,
  kill,
  rm,
  pause,
  unpause,
  rename,
  update,
  exec,
  attach,
  logs,
  top,
  stats,
  wait,
  port,
  cp,
  diff,
  export: exportContainer,
  commit,
};

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
  ...OF_ONE_CONTAINER,
  inspect,
  network: {
    summary: 'make, list, remove networks, put containers on them, look for what ails them',
    load: async () => (await import('./commands/network.ts')).networkCommand,
  },
  volume: {
    summary: 'make, list, remove volumes',
    load: async () => (await import('./commands/volume.ts')).volumeCommand,
  },
  explain: { summary: 'say why a container is where it is', load: async () => (await import('./commands/explain.ts')).explainCommand },
  images,
  pull,
  push,
  tag,
  history,
  save,
  load,
  import: importImage,
  rmi,
  search: { summary: 'look for images at Docker Hub', load: async () => (await import('./commands/search.ts')).searchCommand },
  login: { summary: 'log in to a registry', load: async () => (await import('./commands/login.ts')).loginCommand },
  logout: { summary: 'forget the login to a registry', load: async () => (await import('./commands/logout.ts')).logoutCommand },
  version: { summary: 'show the versions of client and daemon', load: async () => (await import('./commands/version.ts')).versionCommand },
  events,
  info,
  completion: {
    summary: 'print a completion script for bash, zsh or fish',
    load: async () => (await import('./commands/completion.ts')).completionCommand({ commands: COMMANDS, groups: GROUPS }),
  },
};

/** The forms with a noun: `container ps`, `image ls`. */
export const GROUPS: Readonly<Record<string, Readonly<Record<string, Entry>>>> = {
  container: {
    create: createContainer,
    run,
    ps,
    ls: ps,
    list: ps,
    ...OF_ONE_CONTAINER,
    remove: hide(rm),
    prune: containerPrune,
    inspect,
  },
  image: {
    ls: images,
    list: images,
    pull,
    push,
    tag,
    history,
    save,
    load,
    import: importImage,
    rm: rmi,
    remove: hide(rmi),
    prune: imagePrune,
    inspect,
  },
  system: { df: systemDf, prune: systemPrune, events, info },
  node: { ls: COMMANDS.nodes as Entry, rm: nodesRemove },
};

/** What each group is about. */
export const GROUP_SUMMARIES: Readonly<Record<string, string>> = {
  container: 'all verbs on containers',
  image: 'all verbs on images',
  system: 'disks, events and facts of the instance',
  node: 'all verbs on nodes',
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
