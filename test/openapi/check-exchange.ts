import { type AnySchemaObject, Ajv, type ValidateFunction } from 'ajv';
import type { Exchange } from './exchange.ts';
import type { OpenApiDocument, Operation } from './document.ts';
import { ALWAYS_THERE } from './always-there.ts';
import { checkStream } from './check-stream.ts';
import type { Schema } from './json-schema.ts';

/** Something an answer has, lacks or is, other than the document says. */
export interface Deviation {
  /** `GET /containers/{id}/json`; where the document has none, as it was asked. */
  readonly operation: string;
  /** Minor number of the API's version that was spoken. */
  readonly version: number;
  readonly status: number;
  readonly what: string;
  /** What was asked, for people. */
  readonly url: string;
}

const VERSION = /^\/v1\.(\d+)(?=\/)/;
/** On every answer of the API. */
const GLOBAL_HEADERS = ['api-version', 'ostype', 'server', 'docker-experimental'];
/** Not in the document under these methods or at all, and no deviation. */
const OURS = /^\/caravela\/v1(\/|$)/;

/** Holds answers against the document. */
export class ExchangeChecker {
  readonly #document: OpenApiDocument;
  readonly #ajv = new Ajv({ allErrors: true, verbose: true, strict: false, validateFormats: true, logger: false });
  readonly #compiled = new Map<Schema, ValidateFunction>();

  constructor(document: OpenApiDocument) {
    this.#document = document;
    this.#ajv.addFormat('dateTime', isTime).addFormat('date-time', isTime);
    for (const name of ['int64', 'int32', 'uint16', 'uint32', 'uint64', 'double', 'binary', 'ip address', 'ipnet']) {
      this.#ajv.addFormat(name, true);
    }
    for (const [name, schema] of Object.entries(document.definitions)) this.#ajv.addSchema(schema, `#/definitions/${name}`);
  }

  check(exchange: Exchange): readonly Deviation[] {
    const version = Number(VERSION.exec(exchange.url)?.[1] ?? 47);
    const path = exchange.url.replace(VERSION, '').replace(/\?.*/s, '');
    const operation = this.#document.find(exchange.method, path);
    const found = operation === undefined ? undocumented(exchange, path) : this.#checkDocumented(exchange, operation, version);
    const all = [...found, ...checkFrame(exchange)];
    return all.map((what) => ({
      operation: operation?.name ?? `${exchange.method} ${path}`,
      version,
      status: exchange.status,
      what,
      url: exchange.url,
    }));
  }

  #checkDocumented(exchange: Exchange, operation: Operation, version: number): readonly string[] {
    const answer = operation.answers.get(exchange.status);
    const status = answer === undefined ? [`the status ${exchange.status} is not documented`] : [];
    const headers = (answer?.headers ?? []).filter((name) => !exchange.headers.has(name)).map((name) => `there is no header ${name}`);
    if (exchange.status >= 400) return [...status, ...headers, ...checkError(exchange)];
    return [...status, ...headers, ...this.#checkBody(exchange, operation, answer?.schema, version)];
  }

  #checkBody(exchange: Exchange, operation: Operation, schema: Schema | undefined, version: number): readonly string[] {
    if (exchange.method === 'HEAD' || exchange.body.length === 0) return [];
    const type = exchange.headers.get('content-type')?.replace(/;.*/, '');
    const said: string[] = [];
    if (type === undefined) said.push('there is no content-type');
    else if (!operation.produces.includes(type)) said.push(`the content-type is ${type}`);
    said.push(...checkStream(exchange, operation.name, version));
    if (schema === undefined || type !== 'application/json') return said;
    const values = operation.name === 'GET /events' ? lines(exchange) : whole(exchange);
    if (values === undefined) return [...said, 'the body is not JSON'];
    return [
      ...said,
      ...values.flatMap((value) => [...this.#checkValue(value, schema), ...lacking(value, ALWAYS_THERE[operation.name] ?? [])]),
    ];
  }

  #checkValue(value: unknown, schema: Schema): readonly string[] {
    const validate = this.#compiled.get(schema) ?? this.#ajv.compile(schema as AnySchemaObject);
    this.#compiled.set(schema, validate);
    if (validate(value)) return [];
    return (validate.errors ?? []).map(
      ({ instancePath, message, data }) => `${template(instancePath)} ${message}${data === null ? ', is null' : ''}`,
    );
  }
}

function undocumented({ status, body, headers }: Exchange, path: string): readonly string[] {
  if (OURS.test(path)) return status >= 400 ? checkErrorBody(body, headers.get('content-type')) : [];
  return [
    `there is no such operation, and it answers ${status}`,
    ...(status >= 400 ? checkErrorBody(body, headers.get('content-type')) : []),
  ];
}

function checkError({ method, body, headers }: Exchange): readonly string[] {
  return method === 'HEAD' ? [] : checkErrorBody(body, headers.get('content-type'));
}

function checkErrorBody(body: Buffer, type: string | undefined): readonly string[] {
  const said = type === 'application/json' ? [] : [`an error's content-type is ${type}`];
  const message = (parsed(body.toString()) as { message?: unknown } | undefined)?.message;
  return typeof message === 'string' && message.trim() !== '' ? said : [...said, 'an error has no message'];
}

/** Of every answer. */
function checkFrame({ status, headers, body, end }: Exchange): readonly string[] {
  const lacks = GLOBAL_HEADERS.filter((name) => !headers.has(name)).map((name) => `there is no header ${name}`);
  if (end === 'cut') lacks.push('the answer is cut');
  const bodiless = status === 204 || status === 304;
  if (bodiless && (body.length > 0 || Number(headers.get('content-length') ?? 0) > 0)) lacks.push(`${status} has a body`);
  return lacks;
}

/** What a JSON answer is; nothing where not all of it came. */
function whole({ body, cutShort, end }: Exchange): readonly unknown[] | undefined {
  if (cutShort || end !== 'whole') return [];
  const value = parsed(body.toString());
  return value === undefined ? undefined : [value];
}

function lines({ body, cutShort, end }: Exchange): readonly unknown[] | undefined {
  const texts = body.toString().split('\n');
  if (cutShort || end !== 'whole') texts.pop();
  const values = texts.filter((text) => text !== '').map(parsed);
  return values.includes(undefined) ? undefined : values;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** Which of these are not in it: `State.Status`, `[].Id`. */
function lacking(value: unknown, paths: readonly string[]): readonly string[] {
  return paths.filter((path) => !has(value, path.split('.'))).map((path) => `there is no ${path}`);
}

function has(value: unknown, [name, ...rest]: readonly string[]): boolean {
  if (name === undefined) return true;
  if (name === '[]') return Array.isArray(value) && value.every((each) => has(each, rest));
  return typeof value === 'object' && value !== null && name in value && has((value as Readonly<Record<string, unknown>>)[name], rest);
}

/** A place in a document without what differs from one to the next. */
function template(path: string): string {
  return path.replaceAll(/\/\d+(?=\/|$)/g, '/*') || '/';
}

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/;
const isTime = (text: string): boolean => TIME.test(text) && !Number.isNaN(Date.parse(text));
