import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseDocument } from 'yaml';
import { debianDocker } from '../lab/docker-cli.ts';
import { jsonSchemaOf, type Schema } from './json-schema.ts';

const PACKAGE = 'golang-github-docker-docker-dev';
const PATH = 'usr/share/gocode/src/github.com/docker/docker/api/swagger.yaml';

export interface DocumentedAnswer {
  readonly schema: Schema | undefined;
  /** Lower-case names. */
  readonly headers: readonly string[];
}

/** One method of one path, as the document has it. */
export interface Operation {
  /** `GET /containers/{id}/json` */
  readonly name: string;
  /** Content types of its answers. */
  readonly produces: readonly string[];
  readonly answers: ReadonlyMap<number, DocumentedAnswer>;
}

/** Docker's OpenAPI document. */
export interface OpenApiDocument {
  /** `1.41` */
  readonly version: string;
  /** Of a path without version and query; the most literal template wins. */
  find(method: string, path: string): Operation | undefined;
  /** By `#/definitions/NAME`. */
  readonly definitions: Readonly<Record<string, Schema>>;
}

interface RawOperation {
  readonly produces?: readonly string[];
  readonly responses: Readonly<Record<string, { readonly schema?: Schema; readonly headers?: Readonly<Record<string, unknown>> }>>;
}

interface RawDocument {
  readonly info: { readonly version: string };
  readonly produces: readonly string[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, RawOperation>>>>;
  readonly definitions: Readonly<Record<string, Schema>>;
}

const METHODS = ['get', 'head', 'post', 'put', 'delete'];

/** Reads the document of Debian's package: the host's, where it is installed, else one unpacked into our cache. */
export async function loadDocument(): Promise<OpenApiDocument> {
  const installed = join('/', PATH);
  const file = existsSync(installed) ? installed : join(await debianDocker(PACKAGE), PATH);
  // Its YAML has a quoted text that is not indented: the parser says so, and reads it as everyone does.
  return documentOf(parseDocument(readFileSync(file, 'utf8'), { logLevel: 'silent' }).toJS() as RawDocument);
}

function documentOf(raw: RawDocument): OpenApiDocument {
  const operations = Object.entries(raw.paths).flatMap(([template, methods]) =>
    METHODS.flatMap((method) => {
      const operation = methods[method];
      return operation === undefined ? [] : [route(method.toUpperCase(), template, operation, raw.produces)];
    }),
  );
  const byLiterals = operations.toSorted((a, b) => b.literals - a.literals);
  return {
    version: raw.info.version,
    find: (method, path) => byLiterals.find((each) => each.method === method && each.pattern.test(path))?.operation,
    definitions: Object.fromEntries(Object.entries(raw.definitions).map(([name, schema]) => [name, jsonSchemaOf(schema)])),
  };
}

function route(method: string, template: string, raw: RawOperation, produces: readonly string[]) {
  // A name of an image has slashes, and so has nothing else.
  const pattern = template.replaceAll('{name}', '.+').replaceAll(/\{\w+\}/g, '[^/]+');
  const answers = Object.entries(raw.responses).map(([status, { schema, headers }]): [number, DocumentedAnswer] => [
    Number(status),
    {
      schema: schema === undefined ? undefined : jsonSchemaOf(schema),
      headers: Object.keys(headers ?? {}).map((name) => name.toLowerCase()),
    },
  ]);
  const operation: Operation = { name: `${method} ${template}`, produces: raw.produces ?? produces, answers: new Map(answers) };
  const literals = template.split('/').filter((part) => !part.startsWith('{')).length;
  return { method, pattern: new RegExp(`^${pattern}$`), literals, operation };
}
