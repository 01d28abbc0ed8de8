import { constants } from 'node:os';

const BY_NAME: Readonly<Record<string, number>> = constants.signals;
/** SIGRTMAX on Linux. */
const HIGHEST = 64;
const RTMIN = 34;

/** The number of a signal as Docker takes it: `SIGTERM`, `term`, `15`, `RTMIN+3`. undefined: there is none of that name. */
export function signalNumber(signal: string): number | undefined {
  if (/^\d+$/.test(signal)) {
    const number = Number(signal);
    return number >= 1 && number <= HIGHEST ? number : undefined;
  }
  const name = signal.toUpperCase().replace(/^SIG/, '');
  const realtime = /^RT(MIN|MAX)(?:([+-])(\d+))?$/.exec(name);
  if (realtime === null) return Object.hasOwn(BY_NAME, `SIG${name}`) ? BY_NAME[`SIG${name}`] : undefined;
  const number = (realtime[1] === 'MIN' ? RTMIN : HIGHEST) + Number(`${realtime[2] ?? '+'}${realtime[3] ?? 0}`);
  return number >= RTMIN && number <= HIGHEST ? number : undefined;
}
