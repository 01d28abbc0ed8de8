import type { AgreedNetwork } from '../../core/model/index.ts';

type Options = Readonly<Record<string, string>>;

/** Agreed with the network as one of its options, and shown as none of them. */
const KEY = 'caravela.asked-driver';
const OURS = 'caravela';
/** Docker's, of which each network here does the work. */
const DOCKERS = ['bridge', 'overlay'];

/** What a client may say where Docker takes a driver. */
export const ASKABLE_DRIVERS: readonly string[] = ['', 'default', OURS, ...DOCKERS];

/**
 * Every network has the same driver, but shows the one that was asked for: programs that say what a network
 * should be like make it anew, and take all containers off it, whenever it shows another.
 */
export function withAskedDriver(options: Options, driver: string): Options {
  return { ...withoutKey(options), ...(DOCKERS.includes(driver) ? { [KEY]: driver } : {}) };
}

export const shownDriver = ({ options }: AgreedNetwork): string => options[KEY] ?? OURS;

export const shownOptions = ({ options }: AgreedNetwork): Options => withoutKey(options);

const withoutKey = (options: Options): Options => Object.fromEntries(Object.entries(options).filter(([key]) => key !== KEY));
