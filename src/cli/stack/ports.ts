import { parseExpose, parsePublish, type Published } from '../parse/publish.ts';
import { STACK_LIMITS } from './limits.ts';
import type { Entry, Located, YamlReader } from './yaml-reader.ts';

/** A port as a stack file has it; a range was taken apart. */
export interface StackPort {
  readonly line: number;
  readonly text: string;
  readonly published: Published;
}

/** `ports`: one or a list, each as `-p` takes it or as Compose's mapping. @throws StackFileError */
export function portsOf(reader: YamlReader, at: Located | undefined, about: string): readonly StackPort[] {
  return itemsOf(reader, at, `${about}: there may be`).flatMap((item) => {
    const text = reader.isMapping(item) ? longForm(reader, item, about) : reader.text(item, `${about}: each of ports`);
    return reading(reader, item, about, () => parsePublish(text).map((published) => ({ line: item.line, text, published })));
  });
}

/** `expose`: one or a list, each as `--expose` takes it. @throws StackFileError */
export function exposeOf(reader: YamlReader, at: Located | undefined, about: string): readonly string[] {
  return itemsOf(reader, at, `${about}: there may be`).flatMap((item) =>
    reading(reader, item, about, () => parseExpose(reader.text(item, `${about}: each of expose`))),
  );
}

/** What a value says that is not understood gets its line. */
export function reading<T>(reader: YamlReader, at: Located, about: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw reader.error(at, `${about}: ${error.message}`);
  }
}

/** The elements of a list; one value is a list of it. */
export function itemsOf(reader: YamlReader, at: Located | undefined, says: string): readonly Located[] {
  if (at === undefined) return [];
  const items = reader.list(at) ?? [at];
  if (items.length > STACK_LIMITS.items) throw reader.error(at, `${says} ${STACK_LIMITS.items} of these, got ${items.length}`);
  return items;
}

const LONG = ['target', 'published', 'protocol', 'host_ip', 'mode', 'name', 'app_protocol'] as const;

/** Compose's long form, as the short one. Its mode, name and app_protocol say nothing that matters here. */
function longForm(reader: YamlReader, at: Located, about: string): string {
  const found = new Map<string, Entry>();
  for (const entry of reader.mapping(at, `${about}: each of ports`)) {
    if (!LONG.some((key) => key === entry.key)) {
      throw reader.error(entry, `${about}: a port has no key ${JSON.stringify(entry.key)}; there are ${LONG.join(', ')}`);
    }
    found.set(entry.key, entry);
  }
  const text = (key: string): string => {
    const entry = found.get(key);
    return entry === undefined ? '' : reader.text(entry, `${about}: ${key} of a port`);
  };
  if (text('target') === '') throw reader.error(at, `${about}: a port has no target, the port of the container`);
  const [ip, published, protocol] = [text('host_ip'), text('published'), text('protocol')];
  const host = ip === '' ? (published === '' ? '' : `${published}:`) : `${ip}:${published}:`;
  return `${host}${text('target')}${protocol === '' ? '' : `/${protocol}`}`;
}
