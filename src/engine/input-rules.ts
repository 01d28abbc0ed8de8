import type { ContainerSpec } from './port.ts';

export type InputRules = Pick<ContainerSpec, 'openStdin' | 'stdinOnce' | 'tty'>;

/** Whether a container's input ends with the first writer that goes. As Docker has it, a terminal's has no end but what is typed. */
export const inputEndsWithFirst = ({ openStdin, stdinOnce, tty }: InputRules): boolean => openStdin && stdinOnce && !tty;
