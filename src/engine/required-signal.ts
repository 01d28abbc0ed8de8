import { EngineError } from './port.ts';
import { signalNumber } from './signals.ts';

/** The number of a signal as Docker takes it. @throws EngineError where there is none of that name */
export function requiredSignal(signal: string): number {
  const number = signalNumber(signal);
  if (number === undefined) throw new EngineError('engine-failed', `invalid signal ${JSON.stringify(signal)}: see signal(7) for the names`);
  return number;
}
