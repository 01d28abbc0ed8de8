import { type ContainerId, shortId } from '../core/model/index.ts';

/** Docker's words, which people and programs look for. */
export const notRunningMessage = (id: ContainerId): string => `container ${shortId(id)} is not running`;
export const pausedMessage = (id: ContainerId): string => `container ${shortId(id)} is paused, unpause the container before exec`;
