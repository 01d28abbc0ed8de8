import { ImageError } from '../../port.ts';
import type { OciImageConfig } from '../rootfs-provider.ts';

type Json = Readonly<Record<string, unknown>>;

/** The `config` member as the engine may rely on it: what an image says of the wrong type is refused. @throws ImageError corrupt */
export function checkRunConfig(config: Json, what: string): OciImageConfig {
  for (const key of ['Env', 'Entrypoint', 'Cmd']) check(config, key, isTextList, what);
  for (const key of ['WorkingDir', 'User', 'StopSignal']) check(config, key, isText, what);
  for (const key of ['ExposedPorts', 'Volumes']) check(config, key, isObject, what);
  check(config, 'Labels', (value) => isObject(value) && Object.values(value).every(isText), what);
  return config;
}

function check(config: Json, key: string, isRight: (value: unknown) => boolean, what: string): void {
  const value = config[key];
  if (value === undefined || value === null || isRight(value)) return;
  throw new ImageError('corrupt', `${what} can't be used: its config.${key} is ${JSON.stringify(value).slice(0, 80)}`);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && !value.includes('\0');
}

function isTextList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every(isText);
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
