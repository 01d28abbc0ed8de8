/** Where the engine tells what an operator wants to know: the daemon's log. */
export type EngineLog = (level: 'debug' | 'info' | 'warn', message: string, facts?: Readonly<Record<string, unknown>>) => void;
